"""A page of events in the order of a column: value by value, from the first that may hold rows.

The values are in small tables, and the hourly counts say how many events most of them have. So
the values that fill a page are known before any event is read, and then only their events are.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from trail.events import windows
from trail.events.cursor import Cursor
from trail.events.names import STAR
from trail.events.parts import Part
from trail.events.sorting import SORTABLE, Order, Value
from trail.storage.cube import CUBE
from trail.storage.engine import Engine, Params
from trail.storage.filters import Filter, Window
from trail.storage.where import counts_table, select, span

# A value with more events is read in parts of its own, in which time tells where its page is.
_MANY = 20_000
# All targets are taken to have events where there are more events than that for each of them.
_MANY_EACH = 8
# More keys are not listed: a list takes longer to hand over than to find again.
_MOST_KEYS = 10_000


def parts(
    engine: Engine, filter_: Filter, now: dt.datetime, order: Order, edge: Cursor | None, rows: int
) -> Iterator[Part]:
    """Yield the first *rows* rows beyond *edge* in *order*, in parts.

    They have the `STAR` columns and `sort_value`.
    """
    query = _Query(engine, filter_, now, order, edge)
    groups = query.groups([order.value(edge)] if edge else [], rows)
    fewest = 1
    while rows and groups:
        taken = query.first(groups, rows, fewest)
        expected, before = sum(map(query.expected, taken)), rows
        is_large = len(taken) == 1 and taken[0].events > _MANY
        for part in query.within(taken[0], rows) if is_large else [query.among(taken, rows)]:
            yield part
            rows -= part.table.num_rows
        # In case values have fewer events than was expected, more and more are taken at once.
        fewest = fewest * 2 if (before - rows) * 2 < min(expected, before) else 1
        last = groups[len(taken) - 1].value
        del groups[: len(taken)]
        if rows and not groups:
            groups = [group for group in query.groups([last], rows + 1) if group.value != last]


@dataclass(frozen=True, slots=True)
class _Group:
    """A value, how many events it may have, and its keys, None for more than `_MOST_KEYS`."""

    value: Value
    events: float
    keys: list[Any] | None


class _Query:
    """The events of a filter beyond *edge* by what *order* sorts by."""

    def __init__(
        self,
        engine: Engine,
        filter_: Filter,
        now: dt.datetime,
        order: Order,
        edge: Cursor | None,
    ) -> None:
        self._engine, self._filter, self._now, self._order = engine, filter_, now, order
        self._column, self._counts = order.column, order.column.counted_in(counts_table(filter_))
        self._selection = select(engine, filter_, now)
        self._edge = edge
        self._edge_value = order.value(edge) if edge else None

    def groups(self, since: Sequence[Value], most: int) -> list[_Group]:
        """Return the values from that of *since* on, in order, at most *most*.

        Those that surely have no events are left out.
        """
        params: Params = {}
        condition = self._order.since(since[0], params) if since else "true"
        found = self._engine.table(
            f"select sort_value, sum(n)::double as events, "
            f"case when count(*) <= {_MOST_KEYS} then list(sort_key) end as keys "
            f"from {self._column.values(condition, self._counted(params), ', n')} "
            f"group by sort_value order by {self._order.by_value()} limit {most}",
            params,
        )
        columns = (column.to_pylist() for column in found.columns)
        return [_Group(*row) for row in zip(*columns, strict=True)]

    def expected(self, group: _Group) -> float:
        """Return how many events *group* may have beyond the edge, which may be its last one."""
        is_first = self._edge is not None and group.value == self._edge_value
        return 0 if is_first else group.events

    def first(self, groups: list[_Group], rows: int, fewest: int) -> list[_Group]:
        """Return the first of *groups* that may have *rows* events together."""
        taken: list[_Group] = []
        wanted: float = rows
        for group in groups:
            is_enough = wanted <= 0 or (taken and group.events > _MANY)
            if is_enough and len(taken) >= fewest:
                break
            taken.append(group)
            wanted -= self.expected(group)
            if len(taken) == 1 == fewest and group.events > _MANY:
                break
        return taken

    def among(self, groups: list[_Group], rows: int) -> Part:
        """Return the first *rows* rows of *groups*, which follow each other."""
        params = dict(self._selection.params)
        source, where = self._source(groups, params), "true"
        if self._edge and groups[0].value == self._edge_value:
            where = f"({self._beyond_edge(params)} or sort_value is distinct from $sort_first)"
            params["sort_first"] = self._edge_value
        return self._part(source, self._selection.window, params, rows, where)

    def within(self, group: _Group, rows: int) -> Iterator[Part]:
        """Yield the first *rows* rows of *group*, in parts."""
        params: Params = {}
        condition = self._order.among([group.value], params)
        keys = f"select sort_count from {self._column.values(condition)}"
        counted = f"e.{self._column.counted_by or self._column.key} in ({keys})"
        counts = windows.Group(self._counts, counted, params)
        edge = self._edge if group.value == self._edge_value else None
        descending = not self._order.backwards
        reach = windows.beyond(edge, self._selection.window, descending)
        params = dict(self._selection.params)
        source = self._source([group], params)
        where = self._beyond_edge(params) if edge else "true"
        for window in windows.growing(
            self._engine, self._filter, self._now, reach, rows, descending, counts
        ):
            part = self._part(source, window, params, rows, where)
            yield part
            rows -= part.table.num_rows
            if not rows:
                return

    def _beyond_edge(self, params: Params) -> str:
        assert self._edge
        descending = not self._order.backwards
        return windows.beyond_row(self._edge, descending=descending, params=params)

    def _source(self, groups: list[_Group], params: Params) -> str:
        """Return the SELECT of the keys of *groups* with their values."""
        values = {key: group.value for group in groups for key in group.keys or ()}
        if len(values) <= _MOST_KEYS and all(group.keys is not None for group in groups):
            return self._column.listed(values, params)
        return self._column.values(self._order.among([group.value for group in groups], params))

    def _counted(self, params: Params) -> str:
        """Return the join of the number of events by key, `n`, or of as many as may be."""
        if self._counts != "events":
            matching = select(self._engine, self._filter, self._now, self._counts)
            params |= matching.params
            by = self._column.counted_by
            return (
                f"join (select {by}, sum(n) as n from {self._counts} e "
                f"where {windows.whole_hours(matching.window)} and {matching.where} "
                f"group by all) using ({by})"
            )
        key = self._column.key
        if key == SORTABLE["target"].key and not (self._filter.choices or self._filter.q):
            _, hours = windows.hourly(self._engine, CUBE, self._selection.window)
            targets = self._engine.table("select count(*) as n from targets")["n"][0].as_py()
            each = int(hours.sum()) / max(targets, 1)
            if each > _MANY_EACH:
                return f"cross join (select {each / _MANY_EACH} as n)"
        params |= self._selection.params
        return (
            f"join (select {self._column.of_event} as {key}, count(*) as n from events e "
            f"where {self._selection.timed()} group by all) using ({key})"
        )

    def _part(self, source: str, window: Window, params: Params, rows: int, where: str) -> Part:
        order = self._order.terms()
        star = (
            f"select {STAR}, sort_value from events e "
            f"join {source} v on v.sort_key = {self._column.of_event} "
            f"where {span(window, 'e.occurred_at')} and {self._selection.where} and {where} "
            f"order by {order} limit {rows}"
        )
        return Part.read(self._engine, star, params, order)
