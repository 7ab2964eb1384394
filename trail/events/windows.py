"""Parts of a filter's window in which a page of its events is likely to be.

From the hourly counts, so that a page reads few events of any store.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trail.core.clock import shifted
from trail.events.cursor import Cursor
from trail.storage.cube import CUBE
from trail.storage.engine import Engine, Params
from trail.storage.filters import Filter, Window
from trail.storage.where import Selection, counts_table, literal, select, span

_HOUR = dt.timedelta(hours=1)
_EARLIEST = dt.datetime(1900, 1, 1)  # noqa: DTZ001 - UTC, see Window
# Events of any kind that the first scan for a page of a filter covers.
_FIRST_ROWS = 100_000


def beyond(edge: Cursor | None, window: Window, descending: bool) -> Window:
    """Return the part of *window* on the far side of *edge*."""
    if edge is None:
        return window
    moment = edge.occurred_at
    if descending:
        end = shifted(moment, dt.timedelta(microseconds=1))
        return Window(window.start, min(window.end, end) if window.end else end)
    return Window(max(window.start, moment) if window.start else moment, window.end)


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the events of a filter: *condition* on the hourly counts *table*, or `events`."""

    table: str
    condition: str
    params: Params


def growing(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    window: Window,
    rows: int,
    descending: bool,
    group: Group | None = None,
) -> Iterator[Window]:
    """Yield consecutive parts of *window*, the first one where *rows* events are, or many more.

    Few events of any kind hold a page of most filters, and where these are is the same for all
    filters. When they do not, the hourly counts tell where *rows* matches are, if they can answer
    the filter. Else each part has eight times the events of the previous one: only rare matches
    need the whole window. With *group* only its events count as matches.
    """
    narrows = bool(filter_.choices or filter_.q or group)
    count, hours = _FIRST_ROWS if narrows else rows, hourly(engine, CUBE)
    table = counts_table(filter_) if narrows else "events"
    table = group.table if group else table
    while cut := _cut(hours, window, count, descending):
        if descending:
            yield Window(cut, window.end)
            window = Window(window.start, cut)
        else:
            yield Window(window.start, cut)
            window = Window(cut, window.end)
        count *= 8
        if table != "events":
            matching = select(engine, filter_, now, table)
            if group:
                where = f"{matching.where} and {group.condition}"
                matching = replace(matching, where=where, params=matching.params | group.params)
            hours = hourly(engine, table, window, matching)
            count, table = rows, "events"
    yield window


def hourly(
    engine: Engine, table: str, window: Window | None = None, matching: Selection | None = None
) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.int64]]:
    """Return the hours that *window* touches, oldest first, and the number of their events.

    With *matching*, a selection on *table*, only its events are counted.
    """
    where, params = (matching.where, matching.params) if matching else ("true", {})
    hours = engine.table(
        f"select hour, sum(n)::bigint as n from {table} e "
        f"where {whole_hours(window or Window())} and {where} group by hour order by hour",
        params,
    )
    return hours["hour"].to_numpy(), hours["n"].to_numpy()


def whole_hours(window: Window) -> str:
    """Return the condition on the column `hour` of the hours that *window* touches."""
    start = window.start
    start = start - _HOUR if start and start > _EARLIEST else None
    return span(Window(start, window.end), "hour")


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
    return cut if is_inside(cut, window) else None


def is_inside(moment: dt.datetime, window: Window) -> bool:
    """Return whether *moment* lies inside *window*, not at its ends."""
    after = not window.start or window.start < moment
    return after and (not window.end or moment < window.end)


def beyond_row(edge: Cursor, *, descending: bool, params: Params) -> str:
    """Return the condition on events that lie beyond *edge* in time; puts its id into *params*."""
    # Not as `(a, b) < (x, y)`: DuckDB would scan every row group.
    params["edge_id"] = edge.event_id
    sign = "<" if descending else ">"
    at = literal(edge.occurred_at)
    return (
        f"e.occurred_at {sign}= {at} and (e.occurred_at {sign} {at} or e.event_id {sign} $edge_id)"
    )
