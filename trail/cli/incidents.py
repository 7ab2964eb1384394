"""The command `incidents`: print incidents, one per line."""

import argparse
import datetime as dt
import json

from trail.cli.context import Context
from trail.incidents.incident_json import records
from trail.storage.filters import Filter


def incidents(args: argparse.Namespace, context: Context) -> int:
    """Print the incidents that the query selects, most urgent first."""
    filter_ = Filter.parse(args.query)
    for record in records(context.store(False), filter_, dt.datetime.now(dt.UTC)):
        if args.json:
            context.out.text(json.dumps(record) + "\n")
        else:
            state = "open" if record["open"] else "closed"
            text = "".join(c if c.isprintable() else "\ufffd" for c in record["text"])
            context.out.text(f"{state:>6}  {record['class']:<17}  {text}\n")
    return 0
