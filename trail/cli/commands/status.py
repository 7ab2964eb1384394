"""`status`: print what the store contains and the state of its sources."""

import argparse
import json

from trail.cli.command import Command
from trail.cli.context import Context
from trail.core.json_values import json_row
from trail.core.text import printable
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
    for name, value in summary.items():
        shown = f"{value:,}" if isinstance(value, int) else value or "none"
        context.out.text(f"{name.replace('_', ' '):>18}  {shown}\n")
    for row in sources:
        state = f"failing: {printable(str(row['failure']))}" if row["failing"] else "ok"
        context.out.text(f"{row['loader']:>18}  {row['kept']:,} of {row['read']:,} kept, {state}\n")
    for problem in problems:
        context.out.text(f"{problem}\n")
    return 0


COMMAND = Command(
    help="print what the store contains",
    run=_run,
    examples=("status --json",),
    log_kinds={"": None},
)
