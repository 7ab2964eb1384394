"""`doctor`: check everything that the server needs, and say what to do."""

import argparse
import datetime as dt
import json

from trail.cli.command import Command
from trail.cli.context import Context
from trail.cli.tables import table
from trail.core.text import count
from trail.runtime import doctor


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="", help="address to bind; default: server.host")
    parser.add_argument("--port", type=int, default=0, help="port to bind; default: server.port")


def _run(args: argparse.Namespace, context: Context) -> int:
    settings = context.settings
    host, port = args.host or settings.server.host, args.port or settings.server.port
    checks = doctor.checks(settings, host, port, dt.datetime.now(dt.UTC))
    problems = sum(check.state == "problem" for check in checks)
    if args.json:
        report = {"ok": not problems, "checks": [check.to_dict() for check in checks]}
        context.out.text(json.dumps(report) + "\n")
        return int(problems > 0)
    rows = [(check.state, check.name, check.text) for check in checks]
    context.out.text(table(("state", "check", "result"), rows))
    warnings = sum(check.state == "warning" for check in checks)
    context.out.text(f"{count(problems, 'problem')}, {count(warnings, 'warning')}\n")
    return int(problems > 0)


COMMAND = Command(
    help="check everything the server needs, without changes",
    run=_run,
    arguments=_arguments,
    examples=("doctor", "doctor --json"),
    runs_in="process",
)
