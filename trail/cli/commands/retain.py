"""`retain`: apply the retention policy."""

import argparse
import datetime as dt
import json
from dataclasses import asdict

from trail.access_log import log
from trail.access_log.log import COMMAND_LINE
from trail.cli import clock_option
from trail.cli.command import Command
from trail.cli.context import Context
from trail.cli.tables import table
from trail.core.clock import naive_utc, utc_text
from trail.core.text import printable
from trail.findings import expiring
from trail.retention import expiry, policy, shrink
from trail.retention.shrink import Unreviewed
from trail.storage.duckdb import Store


def _arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--dry-run", action="store_true", help="print what would be removed, remove nothing"
    )
    clock_option.add(group)
    parser.add_argument(
        "--confirm-unreviewed",
        type=int,
        metavar="N",
        help="confirm that N unreviewed findings and incidents expire, as the shorter retention "
        "period demands",
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    store, now = context.workspace_store(), dt.datetime.now(dt.UTC)
    clock = clock_option.confirm(args, context, store, now)
    unreviewed = shrink.unreviewed(store, context.settings, naive_utc(now))
    if unreviewed and unreviewed.count:
        _confirm(args, context, store, unreviewed)
    result: policy.Preview | policy.Purged
    if args.dry_run:
        result, archived = policy.preview(store, context.settings, now), 0
        expired = sum(events for _, events, _ in expiry.due(store, context.settings, now))
    else:
        result = policy.retain(store, context.settings, now, COMMAND_LINE)
        archived, expired = result.archived, result.expired.events
    soon = expiring.expiring(store, context.settings, now)
    days = [{**asdict(day), "day": day.day.isoformat()} for day in result.days]
    cutoff = utc_text(result.cutoff)
    if args.json:
        report = {
            "cutoff": cutoff,
            "events": result.events,
            "held": result.held,
            "days": days,
            "leaving": soon.findings,
            "archived": archived,
            "expired": expired,
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
    if expired:
        context.out.text(f"Of the archive: {expired:,} events {verb}\n")
    if text := soon.text():
        context.out.text(f"{text}\n")
    if clock and args.dry_run:
        context.out.text(f"{clock.text()}\n")
    return 0


def _confirm(
    args: argparse.Namespace, context: Context, store: Store, unreviewed: Unreviewed
) -> None:
    """Print what nobody has reviewed; confirm it if the option states its number."""
    for line in unreviewed.lines():
        context.out.note(f"{printable(line)}\n")
    if args.dry_run:
        context.out.note(f"trail: {unreviewed.error()}\n")
    elif args.confirm_unreviewed == unreviewed.count:
        shrink.confirm(store, unreviewed)
        detail = f"{unreviewed.before} to {unreviewed.after} days, {unreviewed.count} unreviewed"
        log.record("shrink_confirmed", COMMAND_LINE, what="retain", detail=detail)


COMMAND = Command(
    help="remove events older than the retention period",
    run=_run,
    arguments=_arguments,
    examples=("retain --dry-run", "retain --confirm-clock"),
    log_kinds={"": "retained"},
)
