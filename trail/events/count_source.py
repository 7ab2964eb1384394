"""Choose what to count: the hourly cube for whole hours where it suffices, else the events."""

import datetime as dt
from dataclasses import dataclass

from trail.storage.cube import EVENTS, KEYS
from trail.storage.database import Engine
from trail.storage.filters import Filter, Window
from trail.storage.where import Selection, is_on_cube, select, span

_HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CountSource:
    """A FROM clause, the count expression, the time column, and the parameters."""

    source: str
    n: str
    time: str
    params: dict[str, object]


def count_source(
    engine: Engine, filter_: Filter, now: dt.datetime, *, cube: bool = True
) -> CountSource:
    """Return the source for counts of *filter_*; without *cube* always the events."""
    cube = cube and is_on_cube(filter_)
    selection = select(engine, filter_, now, cube=cube)
    if not cube:
        return CountSource(
            f"events e where {selection.timed()}", "count(*)", "e.occurred_at", selection.params
        )
    return CountSource(
        f"{_hours(selection)} e where {selection.where}",
        "sum(e.n)::bigint",
        "e.hour",
        selection.params,
    )


def _hours(selection: Selection) -> str:
    """Return the cube rows of the window's whole hours plus the events of its partial hours."""
    window = selection.window
    start, end = window.start, window.end
    inner = Window(_ceil_hour(start) if start else None, _floor_hour(end) if end else None)
    edges = []
    if inner.start and inner.end and inner.start >= inner.end:
        return f"({_events(span(window, 'occurred_at'))})"
    if start and inner.start and start < inner.start:
        edges.append(span(Window(start, inner.start), "occurred_at"))
    if end and inner.end and inner.end < end:
        edges.append(span(Window(inner.end, end), "occurred_at"))
    parts = [
        f"select hour, {KEYS}, n from cube where {span(inner, 'hour')}",
        *(_events(edge) for edge in edges),
    ]
    return f"({' union all '.join(parts)})"


def _events(condition: str) -> str:
    return f"select occurred_at as hour, {KEYS}, 1 as n from {EVENTS} where {condition}"


def _ceil_hour(moment: dt.datetime) -> dt.datetime:
    floor = _floor_hour(moment)
    return floor if floor == moment else floor + _HOUR


def _floor_hour(moment: dt.datetime) -> dt.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
