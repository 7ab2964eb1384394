"""Read events: pages by cursor, one event with related ones, and all as a stream."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trail.core.clock import shifted
from trail.events import sorted_parts, windows
from trail.events.cursor import Cursor
from trail.events.names import FLAGS, STAR, join_names, name_rows
from trail.events.parts import Part, named
from trail.events.slices import Slice, slices
from trail.events.sorting import Order
from trail.storage.engine import Engine, Reading
from trail.storage.filters import Filter, Window
from trail.storage.where import literal, select, span

PAGE_ROWS = 200
_ATTEMPTS = 4  # to read a page and its names while nothing is removed or merged between
_NEAR = dt.timedelta(minutes=15)
_HOUR = dt.timedelta(hours=1)
_FLAGS = f", {', '.join(FLAGS)}"


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order, whether there are more before and after, and the cursors of its ends."""

    rows: list[dict[str, Any]]
    has_before: bool
    has_after: bool
    first: Cursor | None = None
    last: Cursor | None = None


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
    after, before = usable(after, filter_), usable(before, filter_)
    backwards = before is not None and after is None
    edge = before if backwards else after
    order = Order.of(filter_, backwards=backwards)

    def read() -> Iterator[Part]:
        if order:
            return sorted_parts.parts(engine, filter_, now, order, edge, rows + 1)
        return _parts(engine, filter_, now, edge, rows + 1, backwards=backwards)

    result, values, found = _named(engine, read)
    if not found:
        return Page([], has_before=edge is not None and not backwards, has_after=backwards)
    result, values = result[:rows], values[:rows]
    if backwards:
        result, values = result[::-1], values[::-1]
    ends = (
        [
            order.cursor(values[place], row["occurred_at"], row["event_id"])
            if order
            else Cursor(row["occurred_at"], row["event_id"])
            for place, row in ((0, result[0]), (-1, result[-1]))
        ]
        if result
        else [None, None]
    )
    more = found > rows and bool(result)
    has_before, has_after = (more, True) if backwards else (edge is not None, more)
    return Page(result, has_before, has_after, *ends)


def _named(
    engine: Engine, read: Callable[[], Iterator[Part]]
) -> tuple[list[dict[str, Any]], list[Any], int]:
    """Return the rows of the parts of *read*, what they are sorted by, and how many were found.

    Rows whose names are removed before they are read may be missing, but have been found: the list
    does not end there.
    """
    for _ in range(_ATTEMPTS):
        parts = list(read())
        if not parts:
            return [], [], 0
        stars = pa.concat_tables([part.table for part in parts])
        rows = name_rows(engine, stars)
        if rows is not None:
            has_values = "sort_value" in stars.column_names
            return rows, stars["sort_value"].to_pylist() if has_values else [], stars.num_rows
    return *named(engine, parts), stars.num_rows


def usable(edge: Cursor | None, filter_: Filter) -> Cursor | None:
    """Return *edge* if it is a place in the order of *filter_*, else None."""
    if edge is None or not edge.fits(filter_.sort):
        return None
    order = Order.of(filter_)
    try:
        return edge if order is None or order.value(edge) is not None or not edge.value else None
    except (ValueError, OverflowError):
        return None


def _parts(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    edge: Cursor | None,
    rows: int,
    *,
    backwards: bool,
) -> Iterator[Part]:
    """Yield the first *rows* rows beyond *edge* in the order of time, in parts."""
    descending = (filter_.sort == "newest") != backwards
    selection = select(engine, filter_, now)
    params, where = dict(selection.params), selection.where
    if edge:
        where += f" and {windows.beyond_row(edge, descending=descending, params=params)}"
    direction = "desc" if descending else "asc"
    order = f"occurred_at {direction}, event_id {direction}"
    reach = windows.beyond(edge, selection.window, descending)
    for window in windows.growing(engine, filter_, now, reach, rows, descending):
        star = (
            f"select {STAR} from events e where {span(window, 'e.occurred_at')} and {where} "
            f"order by {order} limit {rows}"
        )
        part = Part.read(engine, star, params, order)
        yield part
        rows -= part.table.num_rows
        if not rows:
            return


def get(engine: Engine, event_id: str, near: dt.datetime | None = None) -> dict[str, Any] | None:
    """Return the event with all its columns and flags, its batch and `recorded_actor_id`, or None.

    With *near* (UTC, without zone), the hour around it is scanned first.
    """
    first = [Window(shifted(near, -_HOUR), shifted(near, _HOUR))] if near else []
    for window in [*first, Window()]:
        star = (
            f"select {STAR}, e.raw, e.batch_id from events e "
            f"where {span(window, 'e.occurred_at')} and e.event_id = $id limit 1"
        )
        sql = (
            "select n.*, b.loader, b.source "
            f"from ({join_names(star, f', raw, recorded_actor_id, batch_id{_FLAGS}')}) n "
            "left join batches b using (batch_id)"
        )
        rows = engine.table(sql, {"id": event_id})
        if rows.num_rows:
            return dict(rows.to_pylist()[0])
    return None


def related(
    engine: Engine, event: dict[str, Any], rows: int = 12
) -> dict[str, tuple[int, list[dict[str, Any]]]]:
    """Return related events: `actor` within 15 minutes by the same actor, `target` on the target.

    Both with their total number and the *rows* nearest in time, newest first. A target without an
    id is identified by its name, as the facet "target" does.
    """
    at, target = event["occurred_at"], event["target_id"] or event["target_name"]
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
            "e.target_key in (select target_key from targets "
            "where target_id = $value or target_name = $value)",
            target,
            at,
            rows,
        )
        if target
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

    The raw record is read only if *columns* names it. Reads the events in slices that are sorted in
    memory, so memory use is constant.
    """

    def select_named(slice_: Slice, cap: str) -> str:
        value = ", sort_value" if slice_.by_value else ""
        star = (
            f"select {STAR}, e.occurred_at as sort_time, e.event_id as sort_id{value}, e.raw "
            f"from {slice_.rows}{cap}"
        )
        more = f", sort_time, sort_id{value}, raw, recorded_actor_id"
        # Order by the stored values: *columns* may format time and id as text.
        order = slice_.order("sort_time", "sort_id")
        return f"select {columns} from ({join_names(star, more)}) order by {order}"

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

    def select_keys(slice_: Slice, cap: str) -> str:
        return f"select {columns} from {slice_.rows}{cap or f' order by {slice_.order()}'}"

    yield from _sliced(engine, reading, filter_, now, select_keys, rows, limit)


def _sliced(
    engine: Engine,
    reading: Reading,
    filter_: Filter,
    now: dt.datetime,
    sql: Callable[[Slice, str], str],
    rows: int,
    limit: int | None,
) -> Iterator[pa.RecordBatch]:
    """Yield what *sql* selects of each slice, given its order with a limit, which may be empty."""
    remaining = limit
    for slice_ in slices(engine, reading, filter_, now):
        cap = "" if remaining is None else f" order by {slice_.order()} limit {remaining}"
        for batch in reading.batches(sql(slice_, cap), slice_.params, rows):
            yield batch
            if remaining is not None:
                remaining -= batch.num_rows
        if remaining is not None and remaining <= 0:
            return
