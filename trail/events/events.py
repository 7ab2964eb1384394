"""Read events: pages by cursor, one event with related ones, and all as a stream."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trail.core.clock import naive_utc, shifted
from trail.core.model import EVENT_COLUMNS
from trail.events.timeline import bounded
from trail.storage.cube import CUBE
from trail.storage.database import Engine, Reading
from trail.storage.filters import Filter, Window
from trail.storage.where import Selection, counts_table, literal, select, span

# Columns of a list of events; the raw record is read for a single event only.
LISTED = tuple(column for column in EVENT_COLUMNS if column != "raw")

PAGE_ROWS = 200
_NEAR = dt.timedelta(minutes=15)
# Rows of one slice of a stream, which is sorted in memory.
_SLICE_ROWS = 250_000
_HOUR = dt.timedelta(hours=1)
_EARLIEST = dt.datetime(1900, 1, 1)  # noqa: DTZ001 - UTC, see Window
# Events that the first scan for a page covers; later scans grow.
_FIRST_ROWS = 20_000

# Columns of an event with its keys; `join_names` replaces the keys by names.
STAR = (
    "e.event_id, e.occurred_at, e.ingested_at, e.action_key, e.actor_key, e.target_key, "
    "e.identity_key, e.workspace_id, e.verified, e.unverified, e.future_dated"
)
_FLAGS = ", unverified, future_dated"
# The tables of names: the key, and the columns that it stands for.
TABLES = {
    "actions": ("action_key", ("action", "action_raw", "category", "kind", "outcome", "risk")),
    "actors": ("actor_key", ("actor_id", "actor_type")),
    "identities": ("identity_key", ("actor_email", "actor_name", "recorded_actor_id")),
    "targets": ("target_key", ("target_type", "target_id", "target_name")),
}


def join_names(star: str, more: str = "") -> str:
    """Return SQL that gives the rows of *star* (with the `STAR` columns) all `LISTED` columns.

    *more* names further columns of *star* to keep.
    """
    joins = [
        f"join (select {key}, {', '.join(columns)} from {table}) using ({key})"
        for table, (key, columns) in TABLES.items()
    ]
    return (
        "select event_id, occurred_at, ingested_at, action, action_raw, "
        "category, kind, outcome, risk, actor_id, actor_type, "
        "nullif(actor_email, '') as actor_email, nullif(actor_name, '') as actor_name, "
        "nullif(target_type, '') as target_type, nullif(target_id, '') as target_id, "
        "nullif(target_name, '') as target_name, "
        f"nullif(workspace_id, '') as workspace_id, verified{more} "
        f"from ({star}) {' '.join(joins)}"
    )


@dataclass(frozen=True, slots=True)
class Cursor:
    """A keyset cursor: the time (UTC) and id of the row at a page's edge."""

    occurred_at: dt.datetime
    event_id: str

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """Return the cursor from its `str` form, or None if invalid."""
        time, _, event_id = text.partition("~")
        try:
            moment = naive_utc(dt.datetime.fromisoformat(time))
        except (ValueError, OverflowError):
            return None
        return cls(moment, event_id) if event_id else None

    def __str__(self) -> str:
        """Return the cursor in its URL form."""
        return f"{self.occurred_at.isoformat()}~{self.event_id}"


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order, and whether there are more before and after."""

    rows: list[dict[str, Any]]
    has_before: bool
    has_after: bool

    @property
    def first(self) -> Cursor | None:
        """Return the cursor of the first row."""
        return _cursor(self.rows[0]) if self.rows else None

    @property
    def last(self) -> Cursor | None:
        """Return the cursor of the last row."""
        return _cursor(self.rows[-1]) if self.rows else None


def page(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    *,
    after: Cursor | None = None,
    before: Cursor | None = None,
    rows: int = PAGE_ROWS,
) -> Page:
    """Return the page that follows *after*, or that ends just ahead of *before*, or the first.

    Rows have the `LISTED` columns and the flags unverified and future_dated.
    """
    backwards = before is not None and after is None
    descending = (filter_.sort == "newest") != backwards
    edge = before if backwards else after
    selection = select(engine, filter_, now)
    params = dict(selection.params)
    where = selection.where
    if edge:
        where += f" and {_beyond_cursor(edge, descending=descending, params=params)}"
    order = _order(descending=descending)
    result: list[dict[str, Any]] = []
    reach = _window_beyond(edge, filter_.window(now), descending)
    for window in _growing_windows(engine, filter_, now, reach, rows + 1, descending):
        star = (
            f"select {STAR} from events e where {span(window, 'e.occurred_at')} and {where} "
            f"order by {order} limit {rows + 1 - len(result)}"
        )
        sql = f"{join_names(star, _FLAGS)} order by {order}"
        result += engine.table(sql, params).to_pylist()
        if len(result) > rows:
            break
    more, result = len(result) > rows, result[:rows]
    if backwards:
        return Page(result[::-1], has_before=more, has_after=True)
    return Page(result, has_before=edge is not None, has_after=more)


def _window_beyond(edge: Cursor | None, window: Window, descending: bool) -> Window:
    """Return the part of *window* on the far side of *edge*."""
    if edge is None:
        return window
    moment = edge.occurred_at
    if descending:
        end = shifted(moment, dt.timedelta(microseconds=1))
        return Window(window.start, min(window.end, end) if window.end else end)
    return Window(max(window.start, moment) if window.start else moment, window.end)


def _growing_windows(
    engine: Engine, filter_: Filter, now: dt.datetime, window: Window, rows: int, descending: bool
) -> Iterator[Window]:
    """Yield consecutive parts of *window*, each with eight times the events of the previous one.

    The hourly counts tell where the first *rows* matches are, if they can answer the filter. Else
    the first part has `_FIRST_ROWS` events of any kind: only rare matches need the whole window.
    """
    count, max_count = 0, _FIRST_ROWS
    if (table := counts_table(filter_)) != "events":
        max_count = rows
        hours = _hours(engine, window, table, select(engine, filter_, now, table))
    else:
        hours = _hours(engine, window)
    start, end = window.start, window.end
    for hour, number in reversed(hours) if descending else hours:
        count += number
        cut = hour if descending else shifted(hour, _HOUR)
        if count >= max_count and (not start or start < cut) and (not end or cut < end):
            yield Window(cut, end) if descending else Window(start, cut)
            start, end = (start, cut) if descending else (cut, end)
            count, max_count = 0, max_count * 8
    yield Window(start, end)


def get(engine: Engine, event_id: str, near: dt.datetime | None = None) -> dict[str, Any] | None:
    """Return the event with all its columns and flags, its batch and `current_name`, or None.

    With *near* (UTC, without zone), the hour around it is scanned first.
    """
    first = [Window(shifted(near, -_HOUR), shifted(near, _HOUR))] if near else []
    for window in [*first, Window()]:
        star = (
            f"select {STAR}, e.raw, e.batch_id from events e "
            f"where {span(window, 'e.occurred_at')} and e.event_id = $id limit 1"
        )
        sql = (
            "select n.*, b.loader, b.source, nullif(p.actor_name, '') as current_name "
            f"from ({join_names(star, f', raw, batch_id{_FLAGS}')}) n "
            "left join batches b using (batch_id) "
            "left join actors p using (actor_id)"
        )
        rows = engine.table(sql, {"id": event_id})
        if rows.num_rows:
            return dict(rows.to_pylist()[0])
    return None


def related(
    engine: Engine, event: dict[str, Any], rows: int = 12
) -> dict[str, tuple[int, list[dict[str, Any]]]]:
    """Return related events: `actor` within 15 minutes by the same actor, `target` on the target.

    Both with their total number and the *rows* nearest in time, newest first.
    """
    at = event["occurred_at"]
    window_sql = span(
        Window(shifted(at, -_NEAR), shifted(at, _NEAR + dt.timedelta(microseconds=1))),
        "e.occurred_at",
    )
    return {
        "actor": _nearest(
            engine,
            f"{window_sql} and e.actor_key in "
            "(select actor_key from actors where actor_id = $value)",
            event["actor_id"],
            at,
            rows,
        ),
        "target": _nearest(
            engine,
            "e.target_key in (select target_key from targets where target_id = $value)",
            event["target_id"],
            at,
            rows,
        )
        if event["target_id"]
        else (0, []),
    }


def _nearest(
    engine: Engine, where: str, value: str, at: dt.datetime, rows: int
) -> tuple[int, list[dict[str, Any]]]:
    total = engine.table(f"select count(*) as n from events e where {where}", {"value": value})
    star = (
        f"select {STAR} from events e where {where} "
        f"order by abs(epoch_us(e.occurred_at) - epoch_us({literal(at)})), e.event_id limit {rows}"
    )
    result = engine.table(
        f"{join_names(star)} order by occurred_at desc, event_id desc",
        {"value": value},
    )
    return int(total["n"][0].as_py()), result.to_pylist()


def stream(
    engine: Engine,
    reading: Reading,
    filter_: Filter,
    now: dt.datetime,
    columns: str,
    *,
    rows: int = 50_000,
    limit: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield all events of *filter_* in order, as *columns* (SQL over `RECORD_COLUMNS`).

    The raw record is read only if *columns* names it. Reads the events in slices of time that are
    sorted in memory, so memory use is constant.
    """
    more = ", sort_time, sort_id, raw, recorded_actor_id"

    def select_named(where: str, direction: str, cap: str) -> str:
        star = (
            f"select {STAR}, e.occurred_at as sort_time, e.event_id as sort_id, e.raw "
            f"from events e where {where}{cap}"
        )
        # Order by the stored values: *columns* may format time and id as text.
        return (
            f"select {columns} from ({join_names(star, more)}) "
            f"order by sort_time {direction}, sort_id {direction}"
        )

    yield from _sliced(engine, reading, filter_, now, select_named, rows, limit)


def stream_keys(
    engine: Engine,
    reading: Reading,
    filter_: Filter,
    now: dt.datetime,
    columns: str,
    *,
    rows: int,
    limit: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield all events of *filter_* like `stream`, as *columns* (SQL over `events e`)."""

    def select_keys(where: str, direction: str, cap: str) -> str:
        order = cap or f" order by e.occurred_at {direction}, e.event_id {direction}"
        return f"select {columns} from events e where {where}{order}"

    yield from _sliced(engine, reading, filter_, now, select_keys, rows, limit)


def _sliced(
    engine: Engine,
    reading: Reading,
    filter_: Filter,
    now: dt.datetime,
    sql: Callable[[str, str, str], str],
    rows: int,
    limit: int | None,
) -> Iterator[pa.RecordBatch]:
    """Yield what *sql* selects of each slice, given its condition, direction, and order with limit.

    Without *limit*, the last is empty.
    """
    remaining = limit
    selection = select(engine, filter_, now)
    descending = filter_.sort == "newest"
    direction = "desc" if descending else "asc"
    for window in _slices(engine, filter_, now, descending=descending):
        where = f"{span(window, 'e.occurred_at')} and {selection.where}"
        order = f" order by e.occurred_at {direction}, e.event_id {direction}"
        cap = "" if remaining is None else f"{order} limit {remaining}"
        for batch in reading.batches(sql(where, direction, cap), selection.params, rows):
            yield batch
            if remaining is not None:
                remaining -= batch.num_rows
        if remaining is not None and remaining <= 0:
            return


def _slices(engine: Engine, filter_: Filter, now: dt.datetime, *, descending: bool) -> list[Window]:
    """Split the filter's window at whole hours into spans of at most `_SLICE_ROWS` events."""
    window = bounded(engine, filter_.window(now), now)
    assert window.start and window.end
    cuts, count = [], 0
    for hour, number in _hours(engine, window):
        if count and count + number > _SLICE_ROWS:
            cuts.append(hour)
            count = 0
        count += number
    open_window = filter_.window(now)
    inside = [cut for cut in cuts if window.start < cut < window.end]
    edges: list[dt.datetime | None] = [open_window.start, *inside, open_window.end]
    windows = [Window(start, end) for start, end in itertools.pairwise(edges)]
    return windows[::-1] if descending else windows


def _hours(
    engine: Engine, window: Window, table: str = CUBE, matching: Selection | None = None
) -> list[tuple[dt.datetime, int]]:
    """Return the hours that *window* touches, oldest first, with the number of their events.

    With *matching*, a selection on *table*, only its events are counted.
    """
    where, params = (matching.where, matching.params) if matching else ("true", {})
    start = window.start - _HOUR if window.start and window.start > _EARLIEST else None
    touched = span(Window(start, window.end), "hour")
    hours = engine.table(
        f"select hour, sum(n)::bigint as n from {table} e where {touched} and {where} "
        "group by hour order by hour",
        params,
    )
    return list(zip(hours["hour"].to_pylist(), hours["n"].to_pylist(), strict=True))


def _beyond_cursor(edge: Cursor, *, descending: bool, params: dict[str, Any]) -> str:
    # Not as `(a, b) < (x, y)`: DuckDB would scan every row group.
    params["edge_id"] = edge.event_id
    sign = "<" if descending else ">"
    at = literal(edge.occurred_at)
    return (
        f"e.occurred_at {sign}= {at} and (e.occurred_at {sign} {at} or e.event_id {sign} $edge_id)"
    )


def _order(*, descending: bool) -> str:
    direction = "desc" if descending else "asc"
    return f"occurred_at {direction}, event_id {direction}"


def _cursor(row: dict[str, Any]) -> Cursor:
    return Cursor(row["occurred_at"], row["event_id"])
