"""Read events: pages by cursor, one event with related ones, and all as a stream."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trail.core.clock import naive_utc, shifted
from trail.events.names import FLAGS, STAR, join_names, name_rows
from trail.events.timeline import bounded
from trail.storage.cube import CUBE
from trail.storage.database import Engine, Reading
from trail.storage.filters import Filter, Window
from trail.storage.where import Selection, counts_table, literal, select, span

PAGE_ROWS = 200
_NEAR = dt.timedelta(minutes=15)
# Rows of one slice of a stream, which is sorted in memory.
_SLICE_ROWS = 250_000
_HOUR = dt.timedelta(hours=1)
_EARLIEST = dt.datetime(1900, 1, 1)  # noqa: DTZ001 - UTC, see Window
# Events of any kind that the first scan for a page of a filter covers.
_FIRST_ROWS = 100_000
_FLAGS = f", {', '.join(FLAGS)}"


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
    stars: list[str] = []
    found: list[pa.Table] = []
    left = rows + 1
    reach = _window_beyond(edge, filter_.window(now), descending)
    for window in _growing_windows(engine, filter_, now, reach, rows + 1, descending):
        stars.append(
            f"select {STAR} from events e where {span(window, 'e.occurred_at')} and {where} "
            f"order by {order} limit {left}"
        )
        found.append(engine.table(stars[-1], params))
        left -= found[-1].num_rows
        if not left:
            break
    result = name_rows(engine, pa.concat_tables(found))
    if result is None:
        joined = [f"{join_names(star, _FLAGS)} order by {order}" for star in stars]
        result = [row for sql in joined for row in engine.table(sql, params).to_pylist()]
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
    """Yield consecutive parts of *window*, the first one where *rows* events are, or many more.

    Few events of any kind hold a page of most filters, and where these are is the same for all
    filters. When they do not, the hourly counts tell where *rows* matches are, if they can answer
    the filter. Else each part has eight times the events of the previous one: only rare matches
    need the whole window.
    """
    narrows = bool(filter_.choices or filter_.q)
    count, hours = _FIRST_ROWS if narrows else rows, _hourly(engine, CUBE)
    table = counts_table(filter_) if narrows else "events"
    while cut := _cut(hours, window, count, descending):
        if descending:
            yield Window(cut, window.end)
            window = Window(window.start, cut)
        else:
            yield Window(window.start, cut)
            window = Window(cut, window.end)
        count *= 8
        if table != "events":
            hours = _hourly(engine, table, window, select(engine, filter_, now, table))
            count, table = rows, "events"
    yield window


def _hourly(
    engine: Engine, table: str, window: Window | None = None, matching: Selection | None = None
) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.int64]]:
    """Return the hours that *window* touches, oldest first, and the number of their events.

    With *matching*, a selection on *table*, only its events are counted.
    """
    where, params = (matching.where, matching.params) if matching else ("true", {})
    start, end = (window.start, window.end) if window else (None, None)
    start = start - _HOUR if start and start > _EARLIEST else None
    hours = engine.table(
        f"select hour, sum(n)::bigint as n from {table} e "
        f"where {span(Window(start, end), 'hour')} and {where} group by hour order by hour",
        params,
    )
    return hours["hour"].to_numpy(), hours["n"].to_numpy()


def _cut(
    hours: tuple[npt.NDArray[np.datetime64], npt.NDArray[np.int64]],
    window: Window,
    count: int,
    descending: bool,
) -> dt.datetime | None:
    """Return the whole hour inside *window* up to which it has *count* events of *hours*, or None.

    From its end if *descending*, else from its start.
    """
    at, numbers = hours
    first = (
        np.searchsorted(at, np.datetime64(window.start - _HOUR, "us"), "right")
        if window.start and window.start > _EARLIEST
        else 0
    )
    last = np.searchsorted(at, np.datetime64(window.end, "us")) if window.end else len(at)
    at, numbers = at[first:last], numbers[first:last]
    if descending:
        at, numbers = at[::-1], numbers[::-1]
    place = int(np.searchsorted(np.cumsum(numbers), count))
    if place >= len(at):
        return None
    hour: dt.datetime = at[place].item()
    cut = hour if descending else shifted(hour, _HOUR)
    is_inside = (not window.start or window.start < cut) and (not window.end or cut < window.end)
    return cut if is_inside else None


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
    at, numbers = _hourly(engine, CUBE, window)
    for hour, number in zip(at.tolist(), numbers.tolist(), strict=True):
        if count and count + number > _SLICE_ROWS:
            cuts.append(hour)
            count = 0
        count += number
    open_window = filter_.window(now)
    inside = [cut for cut in cuts if window.start < cut < window.end]
    edges: list[dt.datetime | None] = [open_window.start, *inside, open_window.end]
    windows = [Window(start, end) for start, end in itertools.pairwise(edges)]
    return windows[::-1] if descending else windows


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
