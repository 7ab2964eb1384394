"""`events`: print events, newest first unless the filter sorts them."""

import argparse
import datetime as dt
import json

from trail.cli.command import Command, add_query, not_negative
from trail.cli.context import Context
from trail.core import event_text
from trail.core.model import EVENT_COLUMNS
from trail.core.text import printable
from trail.events import export
from trail.storage import tiers

_COLUMNS = ("occurred_at", "action", "target_name", "actor", "actor_id", "outcome")


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_query(parser)
    parser.add_argument(
        "--limit", type=not_negative, default=None, metavar="N", help="print at most N events"
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    store, now = tiers.both(context.store(False)), dt.datetime.now(dt.UTC)
    columns = EVENT_COLUMNS if args.json else (*_COLUMNS, "recorded_as")
    chosen = export.Export(context.read_filter(store, args.query), "ndjson", columns)
    if not args.json:
        context.out.text("\t".join(_COLUMNS) + "\n")
    for data in export.stream(store, chosen, now, limit=args.limit):
        text = data.decode()
        context.out.text(text if args.json else _rows(text))
    return 0


def _rows(lines: str) -> str:
    rows = [json.loads(line) for line in lines.split("\n") if line]
    for row in rows:
        if note := event_text.actor_note(row):
            row["actor"] += f" ({note})"
    return "".join(
        "\t".join(printable(str(row[name] or "")) for name in _COLUMNS) + "\n" for row in rows
    )


COMMAND = Command(
    help="print events, newest first unless the filter sorts them",
    run=_run,
    arguments=_arguments,
    examples=(
        "events --query 'from=7d&category=Warehouses' --limit 20",
        "events --query 'from=30d&sort=-risk' --limit 20",
        "events --json",
    ),
    reads_only=True,
)
