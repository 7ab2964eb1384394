"""The command `incidents`: failures folded into incidents, one a line."""

import argparse
import datetime as dt
import json

from trail.desk import Desk
from trail.filters import Filter
from trail.queries.incident_records import records


def incidents(args: argparse.Namespace, desk: Desk) -> int:
    """Print the incidents that the query chooses, the most urgent first."""
    filter_ = Filter.parse(args.query)
    store = desk.store(False)
    for record in records(store, filter_, dt.datetime.now(dt.UTC)):
        if args.json:
            desk.out.text(json.dumps(record) + "\n")
        else:
            state = "open" if record["open"] else "closed"
            words = "".join(
                letter if letter.isprintable() else "\ufffd" for letter in record["text"]
            )
            desk.out.text(f"{state:>6}  {record['class']:<17}  {words}\n")
    return 0
