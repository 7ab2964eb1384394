"""What each command takes: names, flags and their help.

Separate from running them, so that everything that can be typed is read in one place.
"""

import argparse
from typing import TYPE_CHECKING

from trail.accounts.users import ROLES
from trail.cli import tokens
from trail.retention import legal_holds

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command; what it finds has `command`, and its arguments."""
    made = argparse.ArgumentParser(
        prog="python -m trail", description="An audit trail for Segment workspaces."
    )
    commands: _Commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="start the dashboard")
    serve.add_argument("--host", default="")
    serve.add_argument("--port", type=int, default=0)
    _add_bringing(commands)
    _add_asking(commands)
    _add_keeping(commands)
    _add_users(commands.add_parser("users", help="who may sign in"))
    tokens.add_parser(commands.add_parser("tokens", help="what may ask without a person"))
    answering = (
        "load pull events facets incidents findings export evidence status retain verify seal demo "
        "backup restore"
    )
    for name in answering.split():
        commands.choices[name].add_argument("--json", action="store_true", help="answer as JSON")
    return made


def _add_bringing(commands: "_Commands") -> None:
    load = commands.add_parser("load", help="load files and folders")
    load.add_argument("paths", nargs="+", metavar="PATH")
    load.add_argument("--dry-run", action="store_true", help="judge and count, keep nothing")
    load.add_argument("--mapping", metavar="FILE", help="which column is what, as TOML")

    pull = commands.add_parser("pull", help="ask Segment's Public API for events")
    pull.add_argument("--since", default="", metavar="90d", help="ask again from then on")
    pull.add_argument(
        "--sweep", action="store_true", help="ask for all days, count what was missed"
    )

    demo = commands.add_parser("demo", help="write a believable workspace as NDJSON")
    demo.add_argument("--out", required=True, metavar="FILE")
    demo.add_argument("--events", type=_positive, default=20_000, metavar="N")
    demo.add_argument("--days", type=_positive, default=90)
    demo.add_argument("--seed", type=int, default=1)


def _add_asking(commands: "_Commands") -> None:
    events = commands.add_parser("events", help="print events, newest first")
    events.add_argument("--limit", type=_positive, default=None, metavar="N")

    facets = commands.add_parser("facets", help="print what there is, with counts")

    export = commands.add_parser("export", help="write chosen events to a file")
    export.add_argument("--out", required=True, metavar="FILE")
    export.add_argument("--format", choices=("csv", "ndjson", "parquet"), default="")
    export.add_argument("--columns", default="", help="comma-separated, in order")

    evidence = commands.add_parser("evidence", help="write a pack for an auditor, as a ZIP")
    evidence.add_argument("--out", required=True, metavar="FILE")

    incidents = commands.add_parser("incidents", help="print failures, folded into incidents")
    findings = commands.add_parser("findings", help="print what is unusual, and why")
    findings.add_argument(
        "--budget", type=_above_zero, default=3, metavar="N", help="findings a day, on average"
    )
    findings.add_argument("--all", action="store_true", help="every scored finding")

    for each in (events, facets, findings, export, evidence, incidents):
        each.add_argument("--query", default="", metavar="QS", help="a page's query string")
    commands.add_parser("status", help="print what the store holds")


def _add_keeping(commands: "_Commands") -> None:
    verify = commands.add_parser("verify", help="check every sealed day")
    verify.add_argument("--against", default="", metavar="FILE", help="a copy of the seals")
    seal = commands.add_parser("seal", help="seal the days that have closed")
    seal.add_argument("--accept", action="store_true", help="seal what does not match, as it is")
    seal.add_argument("--reason", default="", help="why it is accepted")

    retain = commands.add_parser("retain", help="remove what is older than the settings keep")
    retain.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
    _add_holds(commands.add_parser("holds", help="what must outlast its retention"))

    backup = commands.add_parser("backup", help="write the whole trail to one file")
    backup.add_argument("--out", required=True, metavar="FILE")
    backup.add_argument("--without-archive", action="store_true", help="leave the archive out")
    restore = commands.add_parser("restore", help="put a backup in its place; no server may run")
    restore.add_argument("file", metavar="FILE")
    restore.add_argument("--into", default="", metavar="DIR", help="all of it into this folder")
    restore.add_argument("--replace", action="store_true", help="put aside the trail that is there")


def _add_users(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add a user; the password is asked for")
    add.add_argument("username")
    add.add_argument("--role", choices=ROLES, required=True)
    add.add_argument("--name", default="")
    add.add_argument("--email", default="")
    listed = actions.add_parser("list", help="print the users")
    listed.add_argument("--json", action="store_true")
    for name in ("remove", "passwd"):
        actions.add_parser(name).add_argument("username")
    role = actions.add_parser("role", help="give a user another role; open sessions end")
    role.add_argument("username")
    role.add_argument("--role", choices=ROLES, required=True)


def _add_holds(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="hold an event, a target or a period")
    add.add_argument("kind", choices=legal_holds.KINDS)
    add.add_argument("value", nargs="?", default="", help="the event's or the target's id")
    add.add_argument("--from", dest="start", default="", metavar="TIME", help="UTC, included")
    add.add_argument("--to", dest="end", default="", metavar="TIME", help="UTC, not included")
    add.add_argument("--reason", required=True)
    listed = actions.add_parser("list", help="print the holds that stand")
    actions.add_parser("end", help="end a hold").add_argument("hold_id", type=int, metavar="ID")
    for each in (add, listed):
        each.add_argument("--json", action="store_true", help="answer as JSON")


def _above_zero(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1_000:
        raise argparse.ArgumentTypeError("more than 0, at most 1000")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("not less than 0")
    return number
