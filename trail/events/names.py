"""The tables of names that events point to by keys, and two ways to replace keys by names.

`join_names` does it in the database, for any number of rows. `name_rows` does it here, for the rows
of a page: the names of their keys are small queries of their own, whose results page runs and API
requests share, whatever the filter is. Four joins would take longer than all the rest of a page.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from trail.core.model import EVENT_COLUMNS
from trail.events import actor_names
from trail.storage.engine import Engine

# Columns of a list of events; the raw record is read for a single event only.
LISTED = tuple(column for column in EVENT_COLUMNS if column != "raw")

# Columns of an event in a message: as recorded, with the display name of its actor.
MESSAGE_COLUMNS = (*EVENT_COLUMNS, "actor", "recorded_as")

# Columns of an event with its keys, which stand for names.
STAR = (
    "e.event_id, e.occurred_at, e.ingested_at, e.action_key, e.actor_key, e.target_key, "
    "e.identity_key, e.workspace_id, e.verified, e.unverified, e.future_dated"
)
FLAGS = ("unverified", "future_dated")
# The tables of names: the key, and the columns that it stands for.
TABLES = {
    "actions": ("action_key", ("action", "action_raw", "category", "kind", "outcome", "risk")),
    "actors": ("actor_key", ("actor_id", "actor_type", "actor")),
    "identities": (
        "identity_key",
        ("actor_email", "actor_name", "recorded_actor_id", "recorded_actor", "recorded_as"),
    ),
    "targets": ("target_key", ("target_type", "target_id", "target_name")),
}
# What they are read from, where that is not the table of this name.
SOURCES = {"identities": actor_names.IDENTITIES}
# Empty in the tables where a record gave none.
OPTIONAL = ("actor_email", "actor_name", "target_type", "target_id", "target_name", "workspace_id")

# What is derived from the columns of a table: the display name of the actor, what the record calls
# it, and that again if the actor has another name or e-mail now.
DERIVED = {
    "actor": actor_names.DISPLAY,
    "recorded_actor": actor_names.RECORDED,
    "recorded_as": actor_names.RECORDED_AS,
}
# What a table shows of an event's target, as `event_text.target` says it.
TARGET = "coalesce(nullif(target_name, ''), nullif(target_id, ''))"


def join_names(star: str, more: str = "") -> str:
    """Return SQL that gives the rows of *star* (with the `STAR` columns) `LISTED` and `DERIVED`.

    *more* names further columns of *star* to keep.
    """
    joins = [
        f"join (select {key}, {', '.join(map(_derived, columns))} from {source(table)}) "
        f"using ({key})"
        for table, (key, columns) in TABLES.items()
    ]
    listed = ", ".join((*map(optional, LISTED), *DERIVED))
    return f"select {listed}{more} from ({star}) {' '.join(joins)}"


def source(table: str) -> str:
    """Return SQL for what the columns of *table* are read from."""
    return SOURCES.get(table, table)


def optional(column: str) -> str:
    """Return SQL for *column*, null where a record gave none."""
    return f"nullif({column}, '') as {column}" if column in OPTIONAL else _derived(column)


def _derived(column: str) -> str:
    return f"{DERIVED[column]} as {column}" if column in DERIVED else column


def name_rows(engine: Engine, star: pa.Table) -> list[dict[str, Any]] | None:
    """Return the rows of *star* (of the `STAR` columns) with `LISTED`, `DERIVED` and `FLAGS`.

    None if an actor was merged into another between the queries: then only one query can tell.
    """
    if not star.num_rows:
        return []
    found: dict[str, list[Any]] = {name: star[name].to_pylist() for name in star.column_names}
    found["workspace_id"] = [text or None for text in found["workspace_id"]]
    for table, (key, columns) in TABLES.items():
        # The identity, read after the actor, knows the key of its actor.
        wanted = (*columns, "actor_key") if table == "identities" else columns
        names = _names(engine, table, key, wanted, sorted({k for k in found[key] if k is not None}))
        try:
            rows = [names[number] for number in found[key]]
        except KeyError:
            return None
        for name, values in zip(wanted, zip(*rows, strict=True), strict=False):
            if name == "actor_key" and list(values) != found[name]:
                return None
            found[name] = list(values)
    shown = (*LISTED, *DERIVED, *FLAGS)
    lines = zip(*(found[name] for name in shown), strict=True)
    return [dict(zip(shown, line, strict=True)) for line in lines]


def whole_table(engine: Engine, table: str, columns: str, keys: Iterable[int]) -> pa.Table | None:
    """Return the SQL *columns* of *table* with its key, for all its rows; None if a key is gone.

    That is one query for every filter, so that its result is shared. *keys* that were stored since
    it was asked are read as well.
    """
    key, _ = TABLES[table]
    sql = f"select {key}, {columns} from {table}"
    names = engine.table(sql)
    asked = np.fromiter(keys, np.int64)
    missing = np.setdiff1d(asked, names[key].to_numpy()).tolist()
    if not missing:
        return names
    more = engine.table(f"{sql} where {key} in (select unnest($keys))", {"keys": missing})
    return pa.concat_tables([names, more]) if more.num_rows == len(missing) else None


def _names(
    engine: Engine, table: str, key: str, columns: tuple[str, ...], keys: list[int]
) -> dict[int, tuple[Any, ...]]:
    """Return *columns* of *table* for each of *keys*; of actions, which are few, for all keys."""
    sql = f"select {key}, {', '.join(map(optional, columns))} from {source(table)}"
    if table == "actions":
        names = engine.table(sql)
    else:
        names = engine.table(f"{sql} where {key} in (select unnest($keys))", {"keys": keys})
    numbers, *values = (column.to_pylist() for column in names.columns)
    return dict(zip(numbers, zip(*values, strict=True), strict=True))
