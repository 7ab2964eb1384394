"""The orders of events besides that of time: by a column, as the screen shows it.

Risk sorts by number, names without regard to case, what is empty comes last whichever way round,
and events of the same value are sorted newest first. All columns but the time of arrival stand in
small tables that events point to: an order sorts the values there, and events value by value, so
that no query ever sorts all events.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trail.core.clock import naive_utc
from trail.events import actor_names
from trail.events.cursor import Cursor
from trail.events.names import TARGET
from trail.storage.cube import ACTOR_CUBE, CUBE, KEYS
from trail.storage.engine import Params
from trail.storage.filters import SORT_COLUMNS, Filter
from trail.storage.record_text import fold

# What a row is sorted by; None stands for nothing.
Value = int | str | dt.datetime | None

# Only the beginning of a text is compared: it stands in cursors, and so in addresses.
MAX_CHARS = 200
_MOST = 1_000  # beyond every number


@dataclass(frozen=True, slots=True)
class Column:
    """What events are sorted by: SQL over *rows* (a FROM clause) with the column *key* of events.

    *event_sql* gives the key of an event where no column has it. *counted_by* is the column of the
    hourly counts that tells how many events a key has at most, empty if only the events tell.
    """

    key: str
    rows: str
    sql: str
    kind: Literal["number", "text", "time"] = "text"
    counted_by: str = ""
    key_type: str = "integer"
    event_sql: str = ""

    @property
    def of_event(self) -> str:
        """Return SQL for the key of an event `e`."""
        return self.event_sql or f"e.{self.key}"

    def values(self, condition: str = "true", counted: str = "", more: str = "") -> str:
        """Return the SELECT of the keys whose `sort_value` matches: as `sort_key`, with that value.

        *counted* joins what only some keys have, and *more* are columns of it. `sort_count` is the
        key that `counted_by` holds.
        """
        value = f"left({fold(self.sql)}, {MAX_CHARS})" if self.kind == "text" else self.sql
        by = self.counted_by or self.key
        return (
            f"(select * from (select {self.key} as sort_key, {by} as sort_count, "
            f"{value} as sort_value{more} from {self.rows} {counted}) where {condition})"
        )

    def listed(self, values: Mapping[Any, Value], params: Params) -> str:
        """Return the SELECT of the same for the keys of *values*, which are put into *params*."""
        types = {"number": "integer", "text": "varchar", "time": "timestamp"}
        params |= {"sort_keys": list(values), "sort_values": list(values.values())}
        return (
            f"(select unnest($sort_keys::{self.key_type}[]) as sort_key, "
            f"unnest($sort_values::{types[self.kind]}[]) as sort_value)"
        )

    def counted_in(self, table: str) -> str:
        """Return the table of hourly counts by this column that answers what *table* does."""
        for counts in (CUBE, ACTOR_CUBE):
            answers = table != "events" and (table, counts) != (ACTOR_CUBE, CUBE)
            if answers and self.counted_by in KEYS[counts].split(", "):
                return counts
        return "events"


def _of_action(sql: str, kind: Literal["number", "text"] = "text") -> Column:
    return Column("action_key", "actions", sql, kind, "action_key")


def _of_actor(sql: str) -> Column:
    return Column("actor_key", "actors", sql, counted_by="actor_key")


def _as_recorded(sql: str) -> Column:
    return Column(
        "identity_key",
        "(select i.*, p.actor_id from identities i join actors p using (actor_key))",
        sql,
        counted_by="actor_key",
    )


def _of_target(sql: str) -> Column:
    return Column("target_key", "targets", sql)


def _of_event(name: str) -> Column:
    rows = f"(select distinct {name} from {CUBE})"
    return Column(name, rows, f"nullif({name}, '')", counted_by=name, key_type="varchar")


SORTABLE = {
    "risk": _of_action("risk", "number"),
    "action": _of_action("action"),
    "action_raw": _of_action("action_raw"),
    "category": _of_action("category"),
    "kind": _of_action("nullif(kind, '')"),
    "outcome": _of_action("outcome"),
    "actor": _of_actor(actor_names.DISPLAY),
    "actor_id": _of_actor("nullif(actor_id, '')"),
    "actor_name": _as_recorded("nullif(actor_name, '')"),
    "actor_email": _as_recorded("nullif(actor_email, '')"),
    "actor_type": _of_actor("actor_type"),
    "target": _of_target(TARGET),
    "target_id": _of_target("nullif(target_id, '')"),
    "target_name": _of_target("nullif(target_name, '')"),
    "target_type": _of_event("target_type"),
    "workspace_id": _of_event("workspace_id"),
    # Yes and no, and nothing where no signature can be.
    "verified": Column(
        "verified_key",
        "(select unnest([0, 1, 2]) as verified_key)",
        "nullif(verified_key, 2)",
        "number",
        event_sql="coalesce(e.verified::integer, 2)",
    ),
    "ingested_at": Column(
        "ingested_at",
        "(select distinct ingested_at from events)",
        "ingested_at",
        "time",
        key_type="timestamp",
    ),
}


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a column, as it is shown or, with *backwards*, the other way round."""

    sort: str
    backwards: bool = False

    @classmethod
    def of(cls, filter_: Filter, *, backwards: bool = False) -> "Order | None":
        """Return the order of *filter_*, None if that is one of time."""
        is_column = filter_.sort.removeprefix("-") in SORT_COLUMNS
        return cls(filter_.sort, backwards) if is_column else None

    @property
    def column(self) -> Column:
        """Return what it sorts by."""
        return SORTABLE[self.sort.removeprefix("-")]

    @property
    def rises(self) -> bool:
        """Return whether lower values come first."""
        return self.sort.startswith("-") == self.backwards

    def by_value(self) -> str:
        """Return the ORDER BY terms of the value."""
        ends = "nulls first" if self.backwards else "nulls last"
        return f"sort_value {'asc' if self.rises else 'desc'} {ends}"

    def terms(self, time: str = "occurred_at", event_id: str = "event_id") -> str:
        """Return all ORDER BY terms, given the names of the time and of the id."""
        direction = "asc" if self.backwards else "desc"
        return f"{self.by_value()}, {time} {direction}, {event_id} {direction}"

    def since(self, value: Value, params: Params) -> str:
        """Return the condition on *value* and those that come after it; puts it into *params*."""
        if value is None:
            return "true" if self.backwards else "sort_value is null"
        params["sort_edge"] = value
        empty = "" if self.backwards else " or sort_value is null"
        return f"(sort_value {'>' if self.rises else '<'}= $sort_edge{empty})"

    def among(self, values: Sequence[Value], params: Params) -> str:
        """Return the condition on values from the first to the last of *values*, in this order.

        Puts the lowest and the highest into *params*.
        """
        some = [value for value in values if value is not None]
        if not some:
            return "sort_value is null"
        low, high = (some[0], some[-1]) if self.rises else (some[-1], some[0])
        params |= {"sort_low": low, "sort_high": high}
        empty = " or sort_value is null" if len(some) < len(values) else ""
        return f"(sort_value between $sort_low and $sort_high{empty})"

    def value(self, edge: Cursor) -> Value:
        """Return what the row of *edge* is sorted by. Raises `ValueError` if it cannot be read."""
        if not edge.value:
            return None
        if self.column.kind == "number":
            return min(max(int(edge.value), -_MOST), _MOST)
        if self.column.kind == "time":
            return naive_utc(dt.datetime.fromisoformat(edge.value))
        return edge.value

    def cursor(self, value: Value, occurred_at: dt.datetime, event_id: str) -> Cursor:
        """Return the cursor of a row."""
        text = value.isoformat() if isinstance(value, dt.datetime) else str(value)
        return Cursor(occurred_at, event_id, self.sort, "" if value is None else text)
