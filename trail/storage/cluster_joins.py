"""The small tables that a statement joins with events: a cluster gets their rows as values."""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from sqlglot import exp

from trail.storage.event_reads import EventRead
from trail.storage.spark_sql import Translator, literal

# The rows of a small table that are sent along with a query.
_MOST_ROWS = 2_000

Ask = Callable[[str], pa.Table]


class Lookups:
    """The joins of *read*; *ask* answers queries of small tables.

    They are `known` if each adds at most one row of a small table to an event; `rows` has those of
    each by its alias then.
    """

    def __init__(self, read: EventRead, ask: Ask) -> None:
        self._read, self._ask = read, ask
        self._joins: list[exp.Join] = read.tree.args.get("joins") or []
        self.rows: dict[str, pa.Table] = {}
        self._pairs: list[tuple[exp.Column, str, str]] = []
        self.known = all(map(self._is_lookup, self._joins))
        if not self.known:
            self.rows.clear()

    def _is_lookup(self, join: exp.Join) -> bool:
        """Return whether *join* adds at most one row of a small table to an event."""
        if join.side or join.kind not in ("", "INNER") or not isinstance(join.this, exp.Table):
            return False
        sql = self._read.queries.get(join.this.name)
        if sql is None:
            return False
        rows, alias = self._ask(sql), join.this.alias
        pairs = dict(_equal(join, alias, self._read.alias))
        if rows.num_rows > _MOST_ROWS or not pairs or not set(pairs) <= set(rows.column_names):
            return False
        if rows.group_by(list(pairs)).aggregate([]).num_rows < rows.num_rows:
            return False
        self.rows[alias] = rows
        self._pairs += ((column, alias, name) for name, column in pairs.items())
        return True

    def lists(self) -> Iterator[tuple[exp.Column, list[Any]]]:
        """Yield the columns of events that have to be one of some values."""
        for column, alias, name in self._pairs:
            if self.known:
                yield column, self.rows[alias][name].drop_null().to_pylist()

    def sql(self, translator: Translator, events: str) -> list[str]:
        """Return the joins with a table of *events*, for a cluster."""
        return [self._join(join, translator, events) for join in self._joins]

    def _join(self, join: exp.Join, translator: Translator, events: str) -> str:
        alias = join.this.alias
        rows = self.rows[alias]
        names = ", ".join(rows.column_names)
        listed = ", ".join(f"({', '.join(map(literal, row.values()))})" for row in rows.to_pylist())
        nulls = ", ".join(["null"] * rows.num_columns)
        source = f"values {listed}" if listed else f"select {nulls} where false"
        if using := join.args.get("using"):
            on = " and ".join(f"{events}.{one.name} = {alias}.{one.name}" for one in using)
        else:
            on = translator.sql(join.args["on"])
        return f"join ({source}) as {alias}({names}) on {on}"


def _equal(join: exp.Join, alias: str, events: str) -> Iterator[tuple[str, exp.Column]]:
    """Yield the columns of *alias* that *join* compares with one of *events* for equality."""
    for one in join.args.get("using") or ():
        yield one.name, exp.column(one.name, events)
    on = join.args.get("on")
    for node in on.flatten() if isinstance(on, exp.And) else [on]:
        if isinstance(node, exp.EQ):
            for side, other in ((node.this, node.expression), (node.expression, node.this)):
                is_pair = isinstance(side, exp.Column) and isinstance(other, exp.Column)
                if is_pair and side.table == alias and other.table != alias:
                    yield side.name, other
