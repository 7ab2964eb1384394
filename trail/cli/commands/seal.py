"""`seal`: seal the days that have closed."""

import argparse
import json

from trail.access_log import log
from trail.access_log.log import COMMAND_LINE
from trail.cli import clock_option
from trail.cli.command import Command
from trail.cli.context import Context
from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.integrity import acceptance, sealing


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--accept", action="store_true", help="seal days that failed verification as they are now"
    )
    parser.add_argument("--reason", default="", help="why they are accepted")
    clock_option.add(parser)


def _run(args: argparse.Namespace, context: Context) -> int:
    store, now = context.workspace_store(), utc_now()
    clock_option.confirm(args, context, store, now)
    if args.accept:
        if not args.reason.strip():
            raise InputError("--accept requires a reason.", "Add --reason TEXT.")
        days = acceptance.accept(store, context.settings, args.reason, COMMAND_LINE)
        log.record("accepted", COMMAND_LINE, what=f"{days:,} days", detail=args.reason)
    else:
        days = sealing.seal(store, context.settings, now)
    state = "accepted" if args.accept else "sealed"
    text = json.dumps({state: days}) if args.json else f"{days:,} days {state}"
    context.out.text(f"{text}\n")
    return 0


COMMAND = Command(
    help="seal closed days",
    run=_run,
    arguments=_arguments,
    examples=("seal", "seal --accept --reason 'restored from backup'"),
)
