"""`findings`: print unusual changes with their reasons."""

import argparse
import datetime as dt
import json

from trail.cli.command import Command, add_query
from trail.cli.context import Context
from trail.core.text import printable
from trail.findings import queries
from trail.storage import tiers


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_query(parser)
    parser.add_argument(
        "--budget", type=_budget, default=3, metavar="N", help="findings per day, on average"
    )
    parser.add_argument("--all", action="store_true", help="print every scored finding")


def _budget(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1_000:
        raise argparse.ArgumentTypeError("must be more than 0 and at most 1000")
    return number


def _run(args: argparse.Namespace, context: Context) -> int:
    store, now = tiers.both(context.store(False)), dt.datetime.now(dt.UTC)
    filter_ = context.read_filter(store, args.query)
    queue = queries.queue(store, filter_, now, per_day=args.budget, everything=args.all)
    if args.json:
        for row in queries.records(store, queue.findings, filter_.zone, now):
            context.out.text(json.dumps(row) + "\n")
        return 0
    titles = queries.titles(store, queue.findings, filter_.zone, now)
    for finding in queue.findings:
        about = f"{titles[finding.finding_id]}  ({finding.actor_id}, {finding.finding_id})"
        context.out.text(f"{finding.day}  {finding.score:>5}  {printable(about)}\n")
        for reason in finding.reasons:
            sentence = printable(reason.sentence(filter_.zone, now))
            context.out.text(f"            {reason.points:>5}  {sentence}\n")
    context.out.text(
        f"{len(queue.findings):,} of {queue.scored:,} scored findings. "
        f"{queue.budget.status_text()} Days in front are UTC, times in texts "
        f"{filter_.zone.key}.\n"
    )
    return 0


COMMAND = Command(
    help="print unusual changes and their reasons, highest score first",
    run=_run,
    arguments=_arguments,
    examples=("findings --query 'from=30d' --budget 1", "findings --all --json"),
)
