"""Choose what to count: the hourly counts for whole hours where they suffice, else the events."""

import datetime as dt
from dataclasses import dataclass

from trail.storage.cube import CUBE, EVENTS, KEYS
from trail.storage.engine import Engine
from trail.storage.filters import Filter, Window
from trail.storage.where import Selection, counts_table, select, span

_HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CountSource:
    """A FROM clause that ends with its conditions, the count expression, the time column (UTC),
    and the parameters. Rows have the columns of `cube.KEYS`, named `e`.
    """

    table: str
    source: str
    n: str
    time: str
    params: dict[str, object]


def count_source(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    *,
    by_actor: bool = False,
    whole_hours: bool = True,
) -> CountSource:
    """Return the source for counts of *filter_*, with *by_actor* those of each actor.

    Without *whole_hours*, times are needed more precisely than by the hour.
    """
    table = counts_table(filter_, by_actor=by_actor) if whole_hours else "events"
    selection = select(engine, filter_, now, table)
    if table == "events":
        return CountSource(
            table,
            f"events e where {selection.timed()}",
            "count(*)",
            "e.occurred_at",
            selection.params,
        )
    return CountSource(
        table,
        f"{_hours(selection, table)} e where {selection.where}",
        "sum(e.n)::bigint",
        "e.hour",
        selection.params,
    )


def _hours(selection: Selection, table: str) -> str:
    """Return the rows of *table* for the window's whole hours plus the events of partial hours."""
    window = selection.window
    start, end = window.start, window.end
    inner = Window(_ceil_hour(start) if start else None, _floor_hour(end) if end else None)
    edges = []
    if inner.start and inner.end and inner.start >= inner.end:
        return f"({_events(table, span(window, 'occurred_at'))})"
    if start and inner.start and start < inner.start:
        edges.append(span(Window(start, inner.start), "occurred_at"))
    if end and inner.end and inner.end < end:
        edges.append(span(Window(inner.end, end), "occurred_at"))
    parts = [
        f"select hour, {KEYS[table]}, n from {table} where {span(inner, 'hour')}",
        *(_events(table, edge) for edge in edges),
    ]
    return f"({' union all '.join(parts)})"


def _events(table: str, condition: str) -> str:
    rows = EVENTS if table == CUBE else "events"
    return f"select occurred_at as hour, {KEYS[table]}, 1 as n from {rows} where {condition}"


def _ceil_hour(moment: dt.datetime) -> dt.datetime:
    floor = _floor_hour(moment)
    return floor if floor == moment else floor + _HOUR


def _floor_hour(moment: dt.datetime) -> dt.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
