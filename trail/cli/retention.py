"""The commands `retain` and `holds`."""

import argparse
import datetime as dt
import json
from dataclasses import asdict

from trail.cli.context import Context
from trail.core.errors import InputError
from trail.retention import expiring_findings, legal_holds, policy
from trail.storage.database import Store

_MADE_BY = "command line"


def retain(args: argparse.Namespace, context: Context) -> int:
    """Apply the retention policy; with --dry-run only print what it would remove."""
    store, now = existing_store(context), dt.datetime.now(dt.UTC)
    result: policy.Preview | policy.Purged
    if args.dry_run:
        result, archived = policy.preview(store, context.settings, now), 0
    else:
        result = policy.retain(store, context.settings, now, _MADE_BY)
        archived = result.archived
    expiring = expiring_findings.expiring(store, context.settings, now)
    days = [{**asdict(day), "day": day.day.isoformat()} for day in result.days]
    cutoff = f"{result.cutoff.isoformat()}Z"
    if args.json:
        report = {
            "cutoff": cutoff,
            "events": result.events,
            "held": result.held,
            "days": days,
            "leaving": expiring.findings,
            "archived": archived,
        }
        context.out.text(json.dumps(report) + "\n")
        return 0
    for day in days:
        context.out.text(f"{day['day']}  {day['events']:>12,} events  {day['held']:>10,} on hold\n")
    verb = "would be removed (dry run)" if args.dry_run else "removed"
    context.out.text(
        f"Before {cutoff}: {result.events:,} events {verb}, {result.held:,} on hold, "
        f"{archived:,} archived\n"
    )
    if text := expiring.text():
        context.out.text(f"{text}\n")
    return 0


def hold(args: argparse.Namespace, context: Context) -> int:
    """Place, list or end legal holds."""
    store = existing_store(context)
    if args.action == "add":
        return _add(args, context, store)
    if args.action == "end":
        legal_holds.end(store, args.hold_id)
        context.out.text(f"Hold {args.hold_id} ended\n")
        return 0
    for row in legal_holds.active(store):
        row |= {
            name: f"{row[name].isoformat()}Z" if row[name] else None
            for name in ("from_at", "to_at", "made_at")
        }
        scope = row["value"] or f"{row['from_at']} to {row['to_at']}"
        # Quoted, so that control characters are escaped.
        text = f"{row['hold_id']}  {row['kind']}  {scope!r}  {row['reason']!r}"
        context.out.text((json.dumps(row) if args.json else text) + "\n")
    return 0


def _add(args: argparse.Namespace, context: Context, store: Store) -> int:
    start, end = (_moment(text) if text else None for text in (args.start, args.end))
    number = legal_holds.add(store, args.kind, args.value, start, end, args.reason, _MADE_BY)
    events = legal_holds.count_events(store, number)
    report = {"hold_id": number, "events": events}
    context.out.text(
        json.dumps(report) + "\n" if args.json else f"Hold {number} covers {events:,} events\n"
    )
    return 0


def existing_store(context: Context) -> Store:
    """Return the workspace's own database; it must exist, and is never the demo's."""
    if not context.settings.store.path.exists():
        raise InputError(
            "There is no database yet.", "Load a file first: python -m trail load FILE"
        )
    return context.store(True)


def _moment(text: str) -> dt.datetime:
    """Return a time in UTC without a zone; *text* without an offset is UTC."""
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise InputError(
            f"Invalid time {text!r}.", "Use 2026-11-23 or 2026-11-23T14:30Z."
        ) from None
