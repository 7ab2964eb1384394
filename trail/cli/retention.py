"""The commands about what is kept: retain, and holds. Separate from `commands` for its length."""

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
    """Remove what is older than the settings keep, or with --dry-run only say what that is."""
    store, now = kept_store(context), dt.datetime.now(dt.UTC)
    found: policy.Preview | policy.Purged
    if args.dry_run:
        found, archived = policy.preview(store, context.settings, now), 0
    else:
        found = policy.retain(store, context.settings, now, _MADE_BY)
        archived = found.archived
    leaving = expiring_findings.leaving(store, context.settings, now)
    days = [{**asdict(day), "day": day.day.isoformat()} for day in found.days]
    edge = f"{found.cutoff.isoformat()}Z"
    if args.json:
        report = {"cutoff": edge, "events": found.events, "held": found.held, "days": days}
        report["leaving"] = leaving.findings
        context.out.text(json.dumps({**report, "archived": archived}) + "\n")
        return 0
    for day in days:
        context.out.text(f"{day['day']}  {day['events']:>12,} events  {day['held']:>10,} held\n")
    words = "would go (dry run, nothing was removed)" if args.dry_run else "removed"
    context.out.text(
        f"Before {edge}: {found.events:,} events {words}, {found.held:,} held, "
        f"{archived:,} archived\n"
    )
    if said := leaving.said():
        context.out.text(f"{said}\n")
    return 0


def hold(args: argparse.Namespace, context: Context) -> int:
    """Make, list or end holds."""
    store = kept_store(context)
    if args.action == "add":
        return _add(args, context, store)
    if args.action == "end":
        legal_holds.end(store, args.hold_id)
        context.out.text(f"Hold {args.hold_id} ended\n")
        return 0
    for each in legal_holds.active(store):
        each |= {
            name: f"{each[name].isoformat()}Z" if each[name] else None
            for name in ("from_at", "to_at", "made_at")
        }
        what = each["value"] or f"{each['from_at']} to {each['to_at']}"
        # Spelled out where a terminal would act on it.
        words = f"{each['hold_id']}  {each['kind']}  {what!r}  {each['reason']!r}"
        context.out.text((json.dumps(each) if args.json else words) + "\n")
    return 0


def _add(args: argparse.Namespace, context: Context, store: Store) -> int:
    start, end = (_moment(text) if text else None for text in (args.start, args.end))
    number = legal_holds.add(store, args.kind, args.value, start, end, args.reason, _MADE_BY)
    events = legal_holds.covered(store, number)
    report = {"hold_id": number, "events": events}
    context.out.text(
        json.dumps(report) + "\n" if args.json else f"Hold {number}: {events:,} events now\n"
    )
    return 0


def kept_store(context: Context) -> Store:
    """Return the real workspace's store; it is never made for this, nor the demo's taken."""
    if not context.settings.store.path.exists():
        raise InputError(
            "There is no database yet.", "Load a file first: python -m trail load FILE."
        )
    return context.store(True)


def _moment(text: str) -> dt.datetime:
    """Return a time in UTC without a zone; *text* without an offset is UTC."""
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise InputError(
            f"Time {text!r} is not understood.", "Write 2026-11-23 or 2026-11-23T14:30Z."
        ) from None
