"""`status`: print what the store contains and the state of its sources."""

import argparse
import json

from trail.cli.command import Command
from trail.cli.context import Context
from trail.cli.tables import table
from trail.core.json_values import json_row
from trail.events import store_status
from trail.integrity import high_water_mark, mirror


def _run(args: argparse.Namespace, context: Context) -> int:
    store = context.store(False)
    summary = store_status.status(store)
    sources = [json_row(row) for row in store_status.sources(store)]
    mark = mirror.files(store.path, context.settings).known
    problems = [shortfall.text() for shortfall in high_water_mark.shortfalls(mark)]
    if args.json:
        report = {**summary, "sources": sources, "problems": problems}
        context.out.text(json.dumps(report) + "\n")
        return 0
    totals = [
        (name.replace("_", " "), f"{value:,}" if isinstance(value, int) else value or "none")
        for name, value in summary.items()
    ]
    context.out.text(table(("total", "value"), totals))
    loaded = [
        (row["loader"], row["read"], row["kept"], row["failure"] if row["failing"] else "ok")
        for row in sources
    ]
    context.out.text(table(("source", "read", "kept", "state"), loaded))
    for problem in problems:
        context.out.text(f"{problem}\n")
    return 0


COMMAND = Command(
    help="print what the store contains",
    run=_run,
    examples=("status --json",),
    log_kinds={"": None},
)
