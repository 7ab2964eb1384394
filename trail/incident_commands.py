"""The command `incidents`: print incidents, one per line."""

import argparse
import datetime as dt
import json

from trail.desk import Desk
from trail.filters import Filter
from trail.queries.incident_records import records


def incidents(args: argparse.Namespace, desk: Desk) -> int:
    """Print the incidents that the query selects, most urgent first."""
    filter_ = Filter.parse(args.query)
    for record in records(desk.store(False), filter_, dt.datetime.now(dt.UTC)):
        if args.json:
            desk.out.text(json.dumps(record) + "\n")
        else:
            state = "open" if record["open"] else "closed"
            text = "".join(c if c.isprintable() else "\ufffd" for c in record["text"])
            desk.out.text(f"{state:>6}  {record['class']:<17}  {text}\n")
    return 0
