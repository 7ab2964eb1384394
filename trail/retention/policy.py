"""Retention: events of more than so many days ago go, except those that are held.

Runs daily and on demand. Whatever it does, the cube equals the events in every state that a reader
or a crash can see: a purge is one transaction, a large one is several, each of whole days.
"""

import datetime as dt
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from trail.core.settings import Settings
from trail.integrity import mirror, removal_seals
from trail.retention import archive, legal_holds
from trail.retention.purge import Purge
from trail.storage.database import Engine, Store
from trail.storage.filters import Window
from trail.storage.where import span

# A purge of more rows is cut by days, so that nobody who loads waits for more than a moment.
_SLICE_ROWS = 500_000

# Two purges at once would archive the same rows twice.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day before the cutoff: how many of its events go, and how many are held."""

    day: dt.date
    events: int
    held: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What retention would remove: events before *cutoff* (UTC, without a zone), by day."""

    cutoff: dt.datetime
    days: tuple[Day, ...]

    @property
    def events(self) -> int:
        """Return how many events would go."""
        return sum(day.events for day in self.days)

    @property
    def held(self) -> int:
        """Return how many events before the cutoff would stay, since they are held."""
        return sum(day.held for day in self.days)

    @property
    def first(self) -> dt.date | None:
        """Return the first day that would lose events, or None."""
        return next((day.day for day in self.days if day.events), None)

    @property
    def last(self) -> dt.date | None:
        """Return the last day that would lose events, or None."""
        return next((day.day for day in reversed(self.days) if day.events), None)


@dataclass(frozen=True, slots=True)
class Purged:
    """What retention removed: how many events, by day, and of each other table how many rows.

    *archived* counts events written to the archive; *swept* counts rows by table.
    """

    cutoff: dt.datetime
    days: tuple[Day, ...]
    held: int
    events: int = 0
    archived: int = 0
    swept: dict[str, int] = field(default_factory=dict)


def cutoff(settings: Settings, now: dt.datetime) -> dt.datetime:
    """Return the midnight (UTC, without a zone) before which events go at the moment *now*.

    *now* without a zone is UTC.
    """
    today = (now.astimezone(dt.UTC) if now.tzinfo else now).date()
    kept = dt.timedelta(days=settings.store.retention_days)
    return dt.datetime.combine(today - kept, dt.time())


def preview(engine: Engine, settings: Settings, now: dt.datetime) -> Preview:
    """Return what `retain` would remove at the moment *now*.

    Counts from the cube; only what is held is counted among the events.
    """
    edge = cutoff(settings, now)
    held = dict(_held(engine, edge)) if legal_holds.active(engine) else {}
    table = engine.table(
        "select date_trunc('day', hour)::date as day, sum(n)::bigint as n from cube "
        f"where {span(Window(None, edge), 'hour')} group by all order by day"
    )
    found = zip(table["day"].to_pylist(), table["n"].to_pylist(), strict=True)
    days = (Day(day, n - held.get(day, 0), held.get(day, 0)) for day, n in found)
    return Preview(edge, tuple(days))


def retain(store: Store, settings: Settings, now: dt.datetime, made_by: str = "schedule") -> Purged:
    """Remove what is older than the settings keep at the moment *now*; return what was removed.

    Never touches what is held. With `store.archive` events are archived first, and only what the
    archive's files hold is removed. A second run removes nothing. Raises `UnavailableError` when
    the archive cannot be written; nothing that is not archived is removed then. Raises
    `IntegrityError`, and removes nothing, while the seals do not hold. Each day that loses events
    gets a seal that says so.
    """
    with _one_at_a_time:
        moment = now.astimezone(dt.UTC).replace(tzinfo=None) if now.tzinfo else now
        found = preview(store, settings, moment)
        seals = mirror.files(store.path, settings)
        removal_seals.require_valid_chain(store, seals)
        done: Counter[str] = Counter()
        for each in _slices(found):
            archived = (
                archive.write(store, settings, each.dates, moment)
                if settings.store.archive
                else None
            )
            purge = Purge(
                each.window, each.last, archived, found.cutoff, found.held, moment, made_by, seals
            )
            done.update(store.write(purge.run))
        store.checkpoint()
        mirror.catch_up(store, seals)
    gone, kept = done.pop("events"), done.pop("archived")
    return Purged(found.cutoff, found.days, found.held, gone, kept, dict(done))


@dataclass(frozen=True, slots=True)
class _Slice:
    """A span of whole days that one transaction purges, and those with events that go."""

    window: Window
    dates: list[dt.date]
    last: bool


def _slices(found: Preview) -> list[_Slice]:
    """Cut what is before the cutoff into spans of days with at most so many events to go."""
    groups: list[list[dt.date]] = [[]]
    rows = 0
    for day in (day for day in found.days if day.events):
        if groups[-1] and rows + day.events > _SLICE_ROWS:
            groups.append([])
            rows = 0
        rows += day.events
        groups[-1].append(day.day)
    cuts = [dt.datetime.combine(dates[0], dt.time()) for dates in groups[1:]]
    edges = itertools.pairwise([None, *cuts, found.cutoff])
    return [
        _Slice(Window(start, end), dates, end == found.cutoff)
        for (start, end), dates in zip(edges, groups, strict=True)
    ]


def _held(engine: Engine, edge: dt.datetime) -> Iterator[tuple[dt.date, int]]:
    table = engine.table(
        "select date_trunc('day', e.occurred_at)::date as day, count(*) as n from events e "
        f"where {span(Window(None, edge), 'e.occurred_at')} and {legal_holds.condition()} "
        "group by all"
    )
    return zip(table["day"].to_pylist(), table["n"].to_pylist(), strict=True)


def runs(engine: Engine, start: dt.datetime | None = None) -> list[dict[str, Any]]:
    """Return the purges that could remove what happened at *start* (UTC) or later, oldest first.

    Each has purged_at, cutoff, events (removed), held, archived, made_by.
    """
    rows: list[dict[str, Any]] = engine.table(
        "select purged_at, cutoff, events, held, archived, made_by from purges "
        "where $start is null or cutoff > $start order by purged_at, cutoff",
        {"start": start},
    ).to_pylist()
    return rows
