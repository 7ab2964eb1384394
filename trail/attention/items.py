"""What needs attention, in one list: the same on the Overview, in the API, in digests and alerts.

Nothing is computed here: each item comes from the functions that own its figures. What people did
about an item (`trail.triage`) is added: who is assigned, and until when it is muted.
"""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

from trail.attention import ingest_items, product_state, review_items
from trail.attention.item import KINDS, MOST, URGENCIES, Item, rest
from trail.core.clock import naive_utc
from trail.core.settings import Settings
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.triage import records

__all__ = ["Item", "items"]

_ITEM_BYTES = 600
# What a manager sees on no other page: findings, answers of destinations, refused records.
_RESTRICTED = ("settings", "finding", "retention", "delivery", "quarantine")
_UTC = ZoneInfo("UTC")


def items(
    engine: Engine,
    settings: Settings,
    now: dt.datetime,
    *,
    findings: bool,
    muted: bool = False,
    zone: ZoneInfo = _UTC,
    weekdays: bool = False,
) -> tuple[Item, ...]:
    """Return what needs attention at *now* (aware), most urgent first.

    Of each kind, at most `MOST` items, and one that stands for the others. *findings* includes what
    only those may see who may see findings: these, and what destinations answered and why records
    were refused. *muted* includes what is muted at *now*. Titles have times in *zone*, with
    *weekdays* for days of the last week. The result is shared by page runs and requests of the
    same moment.
    """
    shown = [
        item
        for item in _triaged(engine, settings, now, zone, weekdays=weekdays)
        if (findings or item.kind not in _RESTRICTED) and (muted or not item.muted_until)
    ]
    by_kind = {kind: [item for item in shown if item.kind == kind] for kind in KINDS}
    result = [item for kind, listed in by_kind.items() for item in _cut(kind, listed)]
    # The sort is stable, so that equal items stay in the order of their kind and of its owner.
    return tuple(sorted(result, key=lambda item: URGENCIES.index(item.urgency)))


def _triaged(
    engine: Engine, settings: Settings, now: dt.datetime, zone: ZoneInfo, *, weekdays: bool
) -> tuple[Item, ...]:
    """Return all items, with what people did about each."""

    def make() -> tuple[Item, ...]:
        listed = _listed(engine, settings, now, zone, weekdays=weekdays)
        states = records.of(engine, [item.subject for item in listed], comments=False)
        return tuple(_with(item, states.get(item.subject, records.NONE), now) for item in listed)

    if isinstance(engine, Store):
        asked = ("attention", now.isoformat(), zone.key, weekdays)
        return engine.shared(asked, make, lambda result: _ITEM_BYTES * len(result))
    return make()


def _listed(
    engine: Engine, settings: Settings, now: dt.datetime, zone: ZoneInfo, *, weekdays: bool
) -> list[Item]:
    return [
        *product_state.integrity(engine, settings),
        *product_state.stored_settings(settings),
        *ingest_items.sources(engine, settings, now),
        *review_items.incidents(engine, now),
        *review_items.findings(engine, now, zone, weekdays=weekdays),
        *review_items.expiring_findings(engine, settings, now),
        *product_state.deliveries(engine),
        *ingest_items.refused(engine),
        *ingest_items.gaps(engine, now),
    ]


def _with(item: Item, state: records.Triage, now: dt.datetime) -> Item:
    muted_until = state.muted_until if state.is_muted(naive_utc(now)) else None
    return replace(item, assignee=state.assignee, muted_until=muted_until)


def _cut(kind: records.Kind, listed: list[Item]) -> list[Item]:
    """Return the most urgent of *listed*, and one row for the others if there are any."""
    ranked = sorted(listed, key=lambda item: URGENCIES.index(item.urgency))
    if len(ranked) <= MOST + 1:  # a row that stands for one would save nothing
        return ranked
    return [*ranked[:MOST], rest(kind, ranked[MOST:])]
