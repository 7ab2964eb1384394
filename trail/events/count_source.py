"""Where to count: the cube for what it can answer, whole hours of it; the events for the rest."""

import datetime as dt
from dataclasses import dataclass

from trail.storage.database import Engine
from trail.storage.filters import Filter, Window
from trail.storage.where import Selection, is_on_cube, select, span

_HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rows:
    """Where to count: a FROM clause, the count's expression, the time column, parameters."""

    source: str
    n: str
    time: str
    params: dict[str, object]


def rows_of(engine: Engine, filter_: Filter, now: dt.datetime, *, cube: bool = True) -> Rows:
    """Return where to count what *filter_* chooses; without *cube*, always among the events."""
    cube = cube and is_on_cube(filter_)
    chosen = select(engine, filter_, now, cube=cube)
    if not cube:
        return Rows(f"events e where {chosen.timed()}", "count(*)", "e.occurred_at", chosen.params)
    return Rows(
        f"{_hours(chosen)} e where {chosen.where}", "sum(e.n)::bigint", "e.hour", chosen.params
    )


def _hours(chosen: Selection) -> str:
    """Return the cube within the window; the parts of hours at its ends come from the events."""
    window = chosen.window
    start, end = window.start, window.end
    inner = Window(_up(start) if start else None, _down(end) if end else None)
    edges = []
    if inner.start and inner.end and inner.start >= inner.end:
        return f"({_events(span(window, 'occurred_at'))})"
    if start and inner.start and start < inner.start:
        edges.append(span(Window(start, inner.start), "occurred_at"))
    if end and inner.end and inner.end < end:
        edges.append(span(Window(inner.end, end), "occurred_at"))
    parts = [
        "select hour, action_key, actor_type, target_type, workspace_id, n from cube "
        f"where {span(inner, 'hour')}",
        *(_events(edge) for edge in edges),
    ]
    return f"({' union all '.join(parts)})"


def _events(condition: str) -> str:
    return (
        "select occurred_at as hour, action_key, actor_type, target_type, workspace_id, 1 as n "
        f"from events join actors using (actor_key) where {condition}"
    )


def _up(moment: dt.datetime) -> dt.datetime:
    floor = _down(moment)
    return floor if floor == moment else floor + _HOUR


def _down(moment: dt.datetime) -> dt.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
