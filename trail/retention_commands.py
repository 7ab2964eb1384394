"""The commands about what is kept: retain, and holds. Separate from `commands` for its length."""

import argparse
import datetime as dt
import json
from dataclasses import asdict

from trail import expiry, holds, retention
from trail.desk import Desk
from trail.errors import InputError
from trail.store import Store

_MADE_BY = "command line"


def retain(args: argparse.Namespace, desk: Desk) -> int:
    """Remove what is older than the settings keep, or with --dry-run only say what that is."""
    store, now = kept_store(desk), dt.datetime.now(dt.UTC)
    found: retention.Preview | retention.Purged
    if args.dry_run:
        found, archived = retention.preview(store, desk.settings, now), 0
    else:
        found = retention.retain(store, desk.settings, now, _MADE_BY)
        archived = found.archived
    leaving = expiry.leaving(store, desk.settings, now)
    days = [{**asdict(day), "day": day.day.isoformat()} for day in found.days]
    edge = f"{found.cutoff.isoformat()}Z"
    if args.json:
        report = {"cutoff": edge, "events": found.events, "held": found.held, "days": days}
        report["leaving"] = leaving.findings
        desk.out.text(json.dumps({**report, "archived": archived}) + "\n")
        return 0
    for day in days:
        desk.out.text(f"{day['day']}  {day['events']:>12,} events  {day['held']:>10,} held\n")
    words = "would go (dry run, nothing was removed)" if args.dry_run else "removed"
    desk.out.text(
        f"Before {edge}: {found.events:,} events {words}, {found.held:,} held, "
        f"{archived:,} archived\n"
    )
    if said := leaving.said():
        desk.out.text(f"{said}\n")
    return 0


def hold(args: argparse.Namespace, desk: Desk) -> int:
    """Make, list or end holds."""
    store = kept_store(desk)
    if args.action == "add":
        return _add(args, desk, store)
    if args.action == "end":
        holds.end(store, args.hold_id)
        desk.out.text(f"Hold {args.hold_id} ended\n")
        return 0
    for each in holds.active(store):
        each |= {
            name: f"{each[name].isoformat()}Z" if each[name] else None
            for name in ("from_at", "to_at", "made_at")
        }
        what = each["value"] or f"{each['from_at']} to {each['to_at']}"
        # Spelled out where a terminal would act on it.
        words = f"{each['hold_id']}  {each['kind']}  {what!r}  {each['reason']!r}"
        desk.out.text((json.dumps(each) if args.json else words) + "\n")
    return 0


def _add(args: argparse.Namespace, desk: Desk, store: Store) -> int:
    start, end = (_moment(text) if text else None for text in (args.start, args.end))
    number = holds.add(store, args.kind, args.value, start, end, args.reason, _MADE_BY)
    events = holds.covered(store, number)
    report = {"hold_id": number, "events": events}
    desk.out.text(
        json.dumps(report) + "\n" if args.json else f"Hold {number}: {events:,} events now\n"
    )
    return 0


def kept_store(desk: Desk) -> Store:
    """Return the real workspace's store; it is never made for this, nor the demo's taken."""
    if not desk.settings.store.path.exists():
        raise InputError(
            "There is no database yet.", "Load a file first: python -m trail load FILE."
        )
    return desk.store(True)


def _moment(text: str) -> dt.datetime:
    """Return a time in UTC without a zone; *text* without an offset is UTC."""
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise InputError(
            f"Time {text!r} is not understood.", "Write 2026-11-23 or 2026-11-23T14:30Z."
        ) from None
