"""The hourly counts of events, and the one place that derives them from the events.

`cube` counts by the type of the actor and stays small at any number of events; `actor_cube` counts
by the actor itself.
"""

from trail.storage.connection import Cursor

CUBE, ACTOR_CUBE = "cube", "actor_cube"

# What each table's counts are kept by, besides the hour.
KEYS = {
    CUBE: "action_key, actor_type, target_type, workspace_id, unverified, future_dated",
    ACTOR_CUBE: "action_key, actor_key, target_type, workspace_id, unverified, future_dated",
}

# The events with the column `actor_type`.
EVENTS = "events join actors using (actor_key)"

# A table with more rows than this for each of its counts is put together again.
_MAX_SPLIT = 1.5


def counted(table: str = CUBE, rows: str = EVENTS, where: str = "true") -> str:
    """Return the SELECT of the hourly counts of *rows* that match *where*, as *table* keeps them.

    *rows* is a FROM clause with `occurred_at` and the columns of `KEYS`.
    """
    return (
        f"select date_trunc('hour', occurred_at) as hour, {KEYS[table]}, count(*) as n "
        f"from {rows} where {where} group by all"
    )


def add(cursor: Cursor, rows: str = EVENTS, where: str = "true") -> None:
    """Add the counts of *rows* that match *where*; see `counted`."""
    for table in KEYS:
        cursor.execute(f"insert into {table} by name {counted(table, rows, where)}")


def rebuild(cursor: Cursor, hours: str, where: str) -> None:
    """Count whole hours again: those that match the condition *hours* (on `hour`).

    *where* is the same condition on `occurred_at`.
    """
    for table in KEYS:
        cursor.execute(f"delete from {table} where {hours}")
    add(cursor, where=where)


def rebuild_listed(cursor: Cursor, table: str) -> None:
    """Count again the hours of the temporary *table* (hour)."""
    listed = f"in (select hour from {table})"
    rebuild(cursor, f"hour {listed}", f"date_trunc('hour', occurred_at) {listed}")


def compact(cursor: Cursor) -> int:
    """Put counts that many small commits have split together again; return the rows saved."""
    saved = 0
    for table, keys in KEYS.items():
        merged = f"select hour, {keys}, sum(n)::bigint as n from {table} group by all"
        rows, needed = cursor.execute(
            f"select (select count(*) from {table}), (select count(*) from ({merged}))"
        ).fetchall()[0]
        if rows <= needed * _MAX_SPLIT:
            continue
        cursor.execute(f"create or replace temp table merged_counts as {merged} order by hour")
        cursor.execute(f"delete from {table}")
        cursor.execute(f"insert into {table} by name from merged_counts")
        cursor.execute("drop table merged_counts")
        saved += rows - needed
    return saved
