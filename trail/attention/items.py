"""What needs attention, in one list: the same on the Overview, in the API, in digests and alerts.

Nothing is computed here: each item comes from the functions that own its figures. What people did
about an item (`trail.triage`) is added: who is assigned, and until when it is muted.
"""

import datetime as dt
from dataclasses import replace

from trail.attention import activity, collection, keeping
from trail.attention.item import KINDS, MOST, URGENCIES, Item, rest
from trail.core.clock import naive_utc
from trail.core.settings import Settings
from trail.storage.database import Engine, Store
from trail.triage import records

__all__ = ["Item", "items"]

_ITEM_BYTES = 600


def items(
    engine: Engine,
    settings: Settings,
    now: dt.datetime,
    *,
    findings: bool,
    muted: bool = False,
) -> tuple[Item, ...]:
    """Return what needs attention at *now* (aware), most urgent first.

    Of each kind, at most `MOST` items, and one that stands for the others. *findings* includes
    findings, which managers may not see; *muted* includes what is muted at *now*. The result is
    shared by page runs and requests of the same moment.
    """

    def make() -> tuple[Item, ...]:
        return _ranked(engine, settings, now, findings=findings, muted=muted)

    if isinstance(engine, Store):
        asked = ("attention", now.isoformat(), findings, muted)
        return engine.shared(asked, make, lambda result: _ITEM_BYTES * len(result))
    return make()


def _ranked(
    engine: Engine, settings: Settings, now: dt.datetime, *, findings: bool, muted: bool
) -> tuple[Item, ...]:
    listed = [
        *keeping.integrity(engine, settings),
        *collection.sources(engine, settings, now),
        *activity.incidents(engine, now),
        *(activity.findings(engine, now) if findings else ()),
        *(activity.expiring_findings(engine, settings, now) if findings else ()),
        *keeping.deliveries(engine),
        *collection.refused(engine),
        *collection.gaps(engine, now),
    ]
    triaged = records.of(engine, [item.subject for item in listed])
    by_kind: dict[records.Kind, list[Item]] = {kind: [] for kind in KINDS}
    for item in listed:
        state = triaged.get(item.subject, records.NONE)
        is_muted = state.is_muted(naive_utc(now))
        if is_muted and not muted:
            continue
        by_kind[item.kind].append(
            replace(
                item,
                assignee=state.assignee,
                muted_until=state.muted_until if is_muted else None,
            )
        )
    result = [item for kind, listed in by_kind.items() for item in _cut(kind, listed)]
    # The sort is stable, so that equal items stay in the order of their kind and of its owner.
    return tuple(sorted(result, key=lambda item: URGENCIES.index(item.urgency)))


def _cut(kind: records.Kind, listed: list[Item]) -> list[Item]:
    """Return the most urgent of *listed*, and one row for the others if there are any."""
    ranked = sorted(listed, key=lambda item: URGENCIES.index(item.urgency))
    if len(ranked) <= MOST + 1:  # a row that stands for one would save nothing
        return ranked
    return [*ranked[:MOST], rest(kind, ranked[MOST:])]
