"""Consecutive parts of all events of a filter, each small enough to be sorted in memory.

In the order of time a slice is a span of hours. In the order of a column it is a range of values,
or a span of hours of one value with many events. Each slice costs a scan of the columns that it
needs, and there are as many as the events demand; one sort of all events would spill to disk as
much as they take, and give nothing until it ends.
"""

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from trail.events import windows
from trail.events.sorting import Order
from trail.storage.cube import CUBE
from trail.storage.engine import Engine, Params, Reading
from trail.storage.filters import Filter, Window
from trail.storage.where import Selection, select, span

_SLICE_ROWS = 250_000
# A range of values is anywhere in time: it costs a scan of everything that is read, raw records
# among it, so that fewer ranges, of up to twice as many rows as this, take less time.
_RANGE_ROWS = 800_000


@dataclass(frozen=True, slots=True)
class Slice:
    """A FROM clause with conditions on `events e`, their parameters, and the order inside."""

    rows: str
    params: Params
    direction: str
    by_value: str = ""
    """The terms by which `sort_value` is sorted first, if *rows* has it."""

    def order(self, time: str = "e.occurred_at", event_id: str = "e.event_id") -> str:
        """Return the ORDER BY terms, given the names of the time and of the id."""
        terms = (self.by_value, f"{time} {self.direction}", f"{event_id} {self.direction}")
        return ", ".join(filter(None, terms))


def slices(engine: Engine, reading: Reading, filter_: Filter, now: dt.datetime) -> Iterator[Slice]:
    """Yield the slices of *filter_* in its order."""
    selection = select(engine, filter_, now)
    if order := Order.of(filter_):
        yield from _of_values(reading, selection, order)
        return
    direction = "desc" if filter_.sort == "newest" else "asc"
    at, numbers = windows.hourly(engine, CUBE, selection.window)
    hours = zip(at.tolist(), numbers.tolist(), strict=True)
    for part in _spans(hours, selection.window, newest_first=direction == "desc"):
        where = f"{span(part, 'e.occurred_at')} and {selection.where}"
        yield Slice(f"events e where {where}", selection.params, direction)


def _spans(
    hours: Iterable[tuple[dt.datetime, int]], window: Window, *, newest_first: bool
) -> list[Window]:
    """Split *window* at whole hours into spans of at most `_SLICE_ROWS` events.

    *hours* are the hours, oldest first, with the number of their events.
    """
    cuts, count = [], 0
    for hour, number in hours:
        if count and count + number > _SLICE_ROWS:
            cuts.append(hour)
            count = 0
        count += number
    edges = [window.start, *(cut for cut in cuts if windows.is_inside(cut, window)), window.end]
    spans = [Window(start, end) for start, end in itertools.pairwise(edges)]
    return spans[::-1] if newest_first else spans


def _of_values(reading: Reading, selection: Selection, order: Order) -> Iterator[Slice]:
    """Yield ranges of values with few events each, and the values with many in spans of time."""
    column = order.column
    counted = (
        f"select {column.of_event} as sort_key, count(*) as n from events e "
        f"where {selection.timed()} group by all"
    )
    # A value with many events stands alone, since the next one begins in a later range.
    ranges = _all(
        reading,
        f"with placed as (select sort_value, sum(n)::bigint as n, (sum(sum(n)) over "
        f"(order by {order.by_value()} rows unbounded preceding))::bigint as upto "
        f"from ({counted}) join {column.values()} using (sort_key) group by sort_value) "
        f"select n > {_RANGE_ROWS} as many, (upto - n) // {_RANGE_ROWS} as place, "
        "min(sort_value) as low, max(sort_value) as high, bool_or(sort_value is null) as empty "
        "from placed group by all order by place, many",
        selection.params,
    )
    for row in ranges:
        bounds = [row["low"], row["high"]] if order.rises else [row["high"], row["low"]]
        values = [value for value in bounds if value is not None] + [None] * row["empty"]
        params = dict(selection.params)
        condition = order.among(values, params)
        rows = f"events e join {column.values(condition)} v on v.sort_key = {column.of_event}"
        spans = [selection.window]
        if row["many"]:
            hours = _hours_of(reading, rows, selection, params)
            spans = _spans(hours, selection.window, newest_first=True)
        for part in spans:
            where = f"{span(part, 'e.occurred_at')} and {selection.where}"
            yield Slice(f"{rows} where {where}", params, "desc", order.by_value())


def _hours_of(
    reading: Reading, rows: str, selection: Selection, params: Params
) -> list[tuple[dt.datetime, int]]:
    """Return the hours of the events of *rows*, oldest first, and the number of their events."""
    hours = _all(
        reading,
        "select date_trunc('hour', e.occurred_at) as hour, count(*) as n "
        f"from {rows} where {selection.timed()} group by all order by hour",
        params,
    )
    return [(row["hour"], row["n"]) for row in hours]


def _all(reading: Reading, sql: str, params: Params) -> list[dict[str, Any]]:
    return [row for batch in reading.batches(sql, params, 10_000) for row in batch.to_pylist()]
