"""`attention`: print what needs attention."""

import argparse
import datetime as dt
import json
from zoneinfo import ZoneInfo

from trail.attention.checked import checked
from trail.attention.items import items
from trail.cli.command import Command
from trail.cli.context import Context
from trail.cli.tables import table
from trail.core.clock import local_text
from trail.storage import tiers


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--muted", action="store_true", help="include what is muted")


def _run(args: argparse.Namespace, context: Context) -> int:
    store, now = tiers.both(context.store(False)), dt.datetime.now(dt.UTC)
    zone = ZoneInfo(context.settings.timezone or "UTC")
    listed = items(store, context.settings, now, findings=True, muted=args.muted, zone=zone)
    if args.json:
        for item in listed:
            context.out.text(json.dumps(item.to_dict()) + "\n")
        return 0
    if not listed:
        context.out.text(f"{checked(store, context.settings, now).text(zone, now)}\n")
        return 0
    rows = [
        (
            item.urgency,
            f"{item.title} ({item.tz})" if item.tz else item.title,
            item.reason,
            local_text(item.since, zone) if item.since else "",
            item.assignee,
        )
        for item in listed
    ]
    context.out.text(table(("urgency", "title", "reason", "since", "assignee"), rows))
    return 0


COMMAND = Command(
    help="print what needs attention, most urgent first",
    run=_run,
    arguments=_arguments,
    examples=("attention", "attention --muted --json"),
    reads_only=True,
)
