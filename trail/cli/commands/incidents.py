"""`incidents`: print failed attempts, grouped into incidents."""

import argparse
import datetime as dt
import json

from trail.cli.command import Command, add_query
from trail.cli.context import Context
from trail.core.text import printable
from trail.incidents.incident_json import records
from trail.storage.filters import Filter


def _run(args: argparse.Namespace, context: Context) -> int:
    filter_ = Filter.parse(args.query)
    for record in records(context.store(False), filter_, dt.datetime.now(dt.UTC)):
        if args.json:
            context.out.text(json.dumps(record) + "\n")
        else:
            state = "open" if record["open"] else "closed"
            context.out.text(f"{state:>6}  {record['class']:<17}  {printable(record['text'])}\n")
    return 0


COMMAND = Command(
    help="print incidents, most urgent first",
    run=_run,
    arguments=add_query,
    examples=("incidents --query 'from=30d'",),
)
