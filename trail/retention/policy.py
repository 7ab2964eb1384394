"""The retention policy: remove events older than `store.retention_days`, except legal holds.

Runs daily and on demand. A purge is one transaction, a large purge several of whole days each, so
that the cube matches the events at any time, also after a crash.
"""

import contextlib
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from trail.core.clock import naive_utc
from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.integrity import archive_manifest, clock_check, mirror, removal_seals
from trail.retention import archive, expiry, legal_holds, shrink
from trail.retention.expiry import Expired
from trail.retention.purge import Purge, future_dated
from trail.storage import cold_tier, cold_views, tiers
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Window
from trail.storage.where import literal, span

# A larger purge is split by days, so that loads wait only briefly.
_SLICE_ROWS = 500_000


@dataclass(frozen=True, slots=True)
class Day:
    """A UTC day before the cutoff: its events to be removed, and those on legal hold."""

    day: dt.date
    events: int
    held: int


@dataclass(frozen=True, slots=True)
class Preview:
    """Events before *cutoff* (UTC, without zone) by day, as retention would remove them."""

    cutoff: dt.datetime
    days: tuple[Day, ...]

    @property
    def events(self) -> int:
        """Return how many events would be removed."""
        return sum(day.events for day in self.days)

    @property
    def held(self) -> int:
        """Return how many events before the cutoff are on legal hold."""
        return sum(day.held for day in self.days)

    @property
    def first(self) -> dt.date | None:
        """Return the first day with events to be removed, or None."""
        return next((day.day for day in self.days if day.events), None)

    @property
    def last(self) -> dt.date | None:
        """Return the last day with events to be removed, or None."""
        return next((day.day for day in reversed(self.days) if day.events), None)


@dataclass(frozen=True, slots=True)
class Purged:
    """What retention removed: events by day, and rows of other tables (*swept*).

    *archived* counts events written to the archive first, *expired* is what was removed from it.
    """

    cutoff: dt.datetime
    days: tuple[Day, ...]
    held: int
    events: int = 0
    archived: int = 0
    swept: dict[str, int] = field(default_factory=dict)
    expired: Expired = field(default_factory=Expired)


def preview(engine: Engine, settings: Settings, now: dt.datetime) -> Preview:
    """Return what `retain` would remove at *now*.

    Events before the cutoff are counted from the cube; those dated in the future expire by their
    arrival.
    """
    edge = settings.store.cutoff(now)
    held = dict(_held(engine, edge)) if legal_holds.active(engine) else {}
    before = span(Window(None, edge), "hour")
    table = engine.table(
        "select hour::date as day, sum(n)::bigint as n from ("
        f"select hour, n from cube where {before} union all "
        f"select e.occurred_at, 1 from events e where {future_dated(edge)} "
        f"and e.occurred_at >= {literal(edge)}) group by all order by day"
    )
    counts = zip(table["day"].to_pylist(), table["n"].to_pylist(), strict=True)
    days = (Day(day, n - held.get(day, 0), held.get(day, 0)) for day, n in counts)
    return Preview(edge, tuple(days))


def retain(store: Store, settings: Settings, now: dt.datetime, made_by: str = "schedule") -> Purged:
    """Apply the retention policy at *now*; return what was removed.

    Events on legal hold stay. With `store.archive` events are archived first, and only archived
    events are removed. Each affected day gets a seal that records the removal. Raises
    `UnavailableError` if the archive cannot be written, and `IntegrityError`, without removing
    anything, while the chain of seals is invalid or the clock is implausible; likewise
    `UnreviewedError` while a shorter period would remove what nobody has reviewed.
    """
    with archive.changing:
        moment = naive_utc(now)
        clock_check.require_plausible(store, moment)
        shrink.require_reviewed(store, settings, moment)
        planned = preview(store, settings, moment)
        seals = mirror.files(store.path, settings)
        removal_seals.require_valid_chain(store, seals)
        done: Counter[str] = Counter()
        for slice_ in _slices(planned):
            archived = None
            if settings.store.archive:
                archived = archive.write(store, settings, slice_.dates, moment)
            purge = Purge(
                slice_.window,
                slice_.last,
                archived,
                planned.cutoff,
                planned.held,
                moment,
                made_by,
                seals,
            )
            done.update(store.write(purge.run))
        expired = expiry.expire(store, settings, moment, made_by, seals)
        # Only while all parts are there: the names of a missing one are needed once it is back.
        if expired.days and not cold_tier.missing(store):
            cold_tier.forget_unused(store, tiers.both(store))
        store.write(lambda cursor: shrink.note_applied(cursor, settings.store.retention_days))
        store.checkpoint()
        mirror.catch_up(store, seals)
        archive_manifest.renew(store, settings)
        with contextlib.suppress(UnavailableError):  # a damaged file; what is read of it waits
            while store.write(cold_views.fill_pending):
                pass  # others write in between
    events, archived_events = done.pop("events"), done.pop("archived")
    return Purged(
        planned.cutoff, planned.days, planned.held, events, archived_events, dict(done), expired
    )


@dataclass(frozen=True, slots=True)
class _Slice:
    """A span of whole days purged in one transaction, and its days with events to be removed."""

    window: Window
    dates: list[dt.date]
    last: bool


def _slices(planned: Preview) -> list[_Slice]:
    """Split the days before the cutoff into spans of at most `_SLICE_ROWS` events."""
    groups: list[list[dt.date]] = [[]]
    rows = 0
    for day in (day for day in planned.days if day.events):
        if groups[-1] and rows + day.events > _SLICE_ROWS and day.day < planned.cutoff.date():
            groups.append([])
            rows = 0
        rows += day.events
        groups[-1].append(day.day)
    cuts = [dt.datetime.combine(dates[0], dt.time()) for dates in groups[1:]]
    edges = itertools.pairwise([None, *cuts, planned.cutoff])
    return [
        _Slice(Window(start, end), dates, end == planned.cutoff)
        for (start, end), dates in zip(edges, groups, strict=True)
    ]


def _held(engine: Engine, edge: dt.datetime) -> Iterator[tuple[dt.date, int]]:
    table = engine.table(
        "select date_trunc('day', e.occurred_at)::date as day, count(*) as n from events e "
        f"where ({span(Window(None, edge), 'e.occurred_at')} or {future_dated(edge)}) "
        f"and {legal_holds.condition()} "
        "group by all"
    )
    return zip(table["day"].to_pylist(), table["n"].to_pylist(), strict=True)


def runs(engine: Engine, start: dt.datetime | None = None) -> list[dict[str, Any]]:
    """Return the purges whose cutoff is after *start* (UTC), oldest first.

    Each has purged_at, cutoff, events (removed), held, archived, made_by.
    """
    rows: list[dict[str, Any]] = engine.table(
        "select purged_at, cutoff, events, held, archived, made_by from purges "
        "where $start is null or cutoff > $start order by purged_at, cutoff",
        {"start": start},
    ).to_pylist()
    return rows
