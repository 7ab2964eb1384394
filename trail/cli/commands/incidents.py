"""`incidents`: print failed attempts, grouped into incidents."""

import argparse
import datetime as dt
import json

from trail.cli.command import Command, add_query
from trail.cli.context import Context
from trail.cli.tables import table
from trail.incidents.grouping import CLASSES
from trail.incidents.incident_json import records
from trail.incidents.shown import EVERYTHING, GROUPS, Shown
from trail.storage import tiers


def _run(args: argparse.Namespace, context: Context) -> int:
    store = tiers.both(context.store(False))
    filter_ = context.read_filter(store, args.query)
    shown = Shown(args.group, tuple(args.pattern or ()), args.owner, args.order)
    listed = records(store, filter_, dt.datetime.now(dt.UTC), shown)
    if args.json:
        for record in listed:
            context.out.text(json.dumps(record) + "\n")
        return 0
    rows = [
        (
            row["state"] if row["open"] else "closed",
            row["class"],
            row["text"],
            row["owner_name"] or "",
        )
        for row in listed
    ]
    context.out.text(table(("state", "class", "incident", "owner"), rows))
    return 0


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_query(parser)
    parser.add_argument(
        "--group",
        default=EVERYTHING,
        choices=(EVERYTHING, *GROUPS),
        help="only incidents that are open, have ended, or were transient (default: all)",
    )
    parser.add_argument(
        "--pattern",
        action="append",
        choices=CLASSES,
        help="only incidents of this pattern; repeatable",
    )
    parser.add_argument(
        "--owner", default="", help="only targets that this actor ID last changed or created"
    )
    parser.add_argument(
        "--order",
        default="",
        metavar="COLUMN",
        help="sort by a column of the list, with - for descending, such as --order=-attempts",
    )


COMMAND = Command(
    help="print incidents, most urgent first",
    run=_run,
    arguments=_arguments,
    examples=(
        "incidents --query 'from=30d'",
        "incidents --group open --order=-duration",
    ),
    reads_only=True,
)
