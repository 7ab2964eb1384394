"""`facets`: print the values of each facet with their counts."""

import argparse
import datetime as dt
import json

from trail.cli.command import Command, add_query
from trail.cli.context import Context
from trail.cli.tables import table
from trail.events import counts
from trail.storage import tiers


def _run(args: argparse.Namespace, context: Context) -> int:
    store, now = tiers.both(context.store(False)), dt.datetime.now(dt.UTC)
    filter_ = context.read_filter(store, args.query)
    facets = counts.facets(store, filter_, now, targets=counts.TOP_TARGETS).values
    if args.json:
        report = {
            name: [{"value": value.value, "count": value.count} for value in values]
            for name, values in facets.items()
        }
        context.out.text(json.dumps(report) + "\n")
        return 0
    rows = [(name, v.count, v.label) for name, values in facets.items() for v in values]
    context.out.text(table(("facet", "events", "value"), rows))
    return 0


COMMAND = Command(
    help="print the values of each facet, most frequent first; of targets the first 100",
    run=_run,
    arguments=add_query,
    examples=("facets --query 'from=30d'",),
    reads_only=True,
)
