"""`retain`: apply the retention policy."""

import argparse
import datetime as dt
import json
from dataclasses import asdict

from trail.access_log.log import COMMAND_LINE
from trail.cli import clock_option
from trail.cli.command import Command
from trail.cli.context import Context
from trail.cli.tables import table
from trail.core.clock import utc_text
from trail.retention import expiring_findings, policy


def _arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--dry-run", action="store_true", help="print what would be removed, remove nothing"
    )
    clock_option.add(group)


def _run(args: argparse.Namespace, context: Context) -> int:
    store, now = context.workspace_store(), dt.datetime.now(dt.UTC)
    clock = clock_option.confirm(args, context, store, now)
    result: policy.Preview | policy.Purged
    if args.dry_run:
        result, archived = policy.preview(store, context.settings, now), 0
    else:
        result = policy.retain(store, context.settings, now, COMMAND_LINE)
        archived = result.archived
    expiring = expiring_findings.expiring(store, context.settings, now)
    days = [{**asdict(day), "day": day.day.isoformat()} for day in result.days]
    cutoff = utc_text(result.cutoff)
    if args.json:
        report = {
            "cutoff": cutoff,
            "events": result.events,
            "held": result.held,
            "days": days,
            "leaving": expiring.findings,
            "archived": archived,
            **({"clock": clock.to_dict()} if clock else {}),
        }
        context.out.text(json.dumps(report) + "\n")
        return 0
    rows = [(day["day"], day["events"], day["held"]) for day in days]
    context.out.text(table(("day", "events", "on hold"), rows))
    verb = "would be removed (dry run)" if args.dry_run else "removed"
    context.out.text(
        f"Before {cutoff}: {result.events:,} events {verb}, {result.held:,} on hold, "
        f"{archived:,} archived\n"
    )
    if text := expiring.text():
        context.out.text(f"{text}\n")
    if clock and args.dry_run:
        context.out.text(f"{clock.text()}\n")
    return 0


COMMAND = Command(
    help="remove events older than the retention period",
    run=_run,
    arguments=_arguments,
    examples=("retain --dry-run", "retain --confirm-clock"),
    log_kinds={"": "retained"},
)
