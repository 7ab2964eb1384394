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

import pyarrow as pa

from trail import archive, holds, twins
from trail.filters import Window
from trail.incidents import keeping
from trail.selection import literal, span
from trail.settings import Settings
from trail.store import Cursor, Engine, Params, Store

# A purge of more rows is cut by days, so that nobody who loads waits for more than a moment.
_SLICE_ROWS = 500_000
# What has arrived is remembered longer than its events, so that old files are not fetched again.
_ARRIVALS_LONGER = dt.timedelta(days=30)

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
    held = dict(_held(engine, edge)) if holds.active(engine) else {}
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
    the archive cannot be written; nothing that is not archived is removed then.
    """
    with _one_at_a_time:
        moment = now.astimezone(dt.UTC).replace(tzinfo=None) if now.tzinfo else now
        found = preview(store, settings, moment)
        done: Counter[str] = Counter()
        for each in _slices(found):
            archived = None
            if settings.store.archive:
                archived = archive.contents(archive.write(store, settings, each.dates, moment))
            purge = _Purge(found, each, archived, moment, made_by)
            done.update(store.write(purge.run))
        store.checkpoint()
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


@dataclass(frozen=True, slots=True)
class _Purge:
    """The transaction that purges one slice; the last one also sweeps what nothing refers to."""

    found: Preview
    slice: _Slice
    archived: pa.Table | None
    now: dt.datetime
    made_by: str

    def run(self, cursor: Cursor) -> dict[str, int]:
        """Return the rows removed by table, and those archived."""
        done = {**self._events(cursor), **(self._sweep(cursor) if self.slice.last else {})}
        done["archived"] = 0 if self.archived is None else done["events"]
        if done["events"] or done.get("quarantine"):
            self._note(cursor, done)
        return done

    def _events(self, cursor: Cursor) -> dict[str, int]:
        window = self.slice.window
        assert window.end
        where = f"{span(window, 'e.occurred_at')} and not {holds.condition()}"
        if self.archived is not None:
            cursor.register("archived", self.archived)
            # What has come or was let go since the files were written waits for the next purge.
            where += (
                " and (e.event_id, e.occurred_at) in (select event_id, occurred_at from archived)"
            )
        cursor.execute(
            "create or replace temp table going as "
            "select e.rowid as place, e.event_id, e.action_key, e.target_key "
            f"from events e where {where}"
        )
        keeping.touch(cursor, "going")
        if self.archived is not None:
            cursor.unregister("archived")
        events = _changed(
            cursor,
            f"delete from events where {span(window, 'occurred_at')} "
            "and rowid in (select place from going)",
        )
        late = literal(window.end + twins.APART)
        seconds = _changed(
            cursor,
            f"delete from twins where occurred_at < {late} "
            "and twin_of in (select event_id from going)",
        )
        cursor.execute("drop table going")
        if events:
            cursor.execute(f"delete from cube where {span(window, 'hour')}")
            cursor.execute(_CUBE.format(span(window, "occurred_at")))
        return {"events": events, "twins": seconds}

    def _sweep(self, cursor: Cursor) -> dict[str, int]:
        edge = self.found.cutoff
        return {
            table: _changed(cursor, f"delete from {table} where {condition}")
            for table, condition in (
                ("targets", "target_key not in (select target_key from events)"),
                (
                    "actors",
                    "actor_key not in (select actor_key from events) "
                    "and not exists (select 1 from people p where p.actor_id = actors.actor_id)",
                ),
                (
                    "quarantine",
                    f"seen_at < {literal(edge)} and not {holds.moment_held('seen_at')}",
                ),
                ("arrivals", f"arrived_at < {literal(edge - _ARRIVALS_LONGER)}"),
                ("batches", f"ended_at < {literal(edge)} and {_UNUSED}"),
                ("watches", f"to_at < {literal(edge)}"),
            )
        }

    def _note(self, cursor: Cursor, done: dict[str, int]) -> None:
        """Say in `purges` what went; the slices of one purge share a row."""
        values = {
            "now": self.now,
            "cutoff": self.found.cutoff,
            "events": done["events"],
            "held": self.found.held,
            "archived": done["archived"],
            "made_by": self.made_by,
        }
        updated = _changed(
            cursor,
            "update purges set events = events + $events, archived = archived + $archived, "
            "held = $held where purged_at = $now and cutoff = $cutoff and made_by = $made_by",
            values,
        )
        if not updated:
            cursor.execute(
                "insert into purges values ($now, $cutoff, $events, $held, $archived, $made_by)",
                values,
            )


_CUBE = """
insert into cube
select date_trunc('hour', occurred_at), action_key, actor_type, e.target_type, workspace_id,
 count(*)
from events e join actors using (actor_key) where {} group by all
"""

# A batch is kept while anything tells of it; its number would else be given again.
_UNUSED = " and ".join(
    f"not exists (select 1 from {table} r where r.batch_id = batches.batch_id)"
    for table in ("events", "twins", "quarantine", "arrivals")
)


def _held(engine: Engine, edge: dt.datetime) -> Iterator[tuple[dt.date, int]]:
    table = engine.table(
        "select date_trunc('day', e.occurred_at)::date as day, count(*) as n from events e "
        f"where {span(Window(None, edge), 'e.occurred_at')} and {holds.condition()} group by all"
    )
    return zip(table["day"].to_pylist(), table["n"].to_pylist(), strict=True)


def _changed(cursor: Cursor, sql: str, params: Params | None = None) -> int:
    """Run *sql* and return how many rows it removed or changed."""
    return int(cursor.execute(sql, params).fetchall()[0][0])
