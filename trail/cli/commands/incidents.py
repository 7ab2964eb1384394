"""`incidents`: print failed attempts, grouped into incidents."""

import argparse
import datetime as dt
import json

from trail.cli.command import Command, add_query
from trail.cli.context import Context
from trail.cli.tables import table
from trail.incidents.incident_json import records


def _run(args: argparse.Namespace, context: Context) -> int:
    store = context.store(False)
    filter_ = context.read_filter(store, args.query)
    listed = records(store, filter_, dt.datetime.now(dt.UTC))
    if args.json:
        for record in listed:
            context.out.text(json.dumps(record) + "\n")
        return 0
    rows = [("open" if row["open"] else "closed", row["class"], row["text"]) for row in listed]
    context.out.text(table(("state", "class", "incident"), rows))
    return 0


COMMAND = Command(
    help="print incidents, most urgent first",
    run=_run,
    arguments=add_query,
    examples=("incidents --query 'from=30d'",),
    reads_only=True,
)
