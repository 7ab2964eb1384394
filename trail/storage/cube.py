"""The hourly counts of events (`cube`): the one place that derives them from the events."""

from trail.storage.database import Cursor

# What a count is kept by, besides the hour.
KEYS = "action_key, actor_type, target_type, workspace_id, unverified, future_dated"

# The events with the column `actor_type`.
EVENTS = "events join actors using (actor_key)"


def counted(rows: str = EVENTS, where: str = "true") -> str:
    """Return the SELECT of the hourly counts of *rows* that match *where*.

    *rows* is a FROM clause with `occurred_at` and the columns of `KEYS`.
    """
    return (
        f"select date_trunc('hour', occurred_at) as hour, {KEYS}, count(*) as n "
        f"from {rows} where {where} group by all"
    )


def add(cursor: Cursor, rows: str = EVENTS, where: str = "true") -> None:
    """Add the counts of *rows* that match *where*; see `counted`."""
    cursor.execute(f"insert into cube by name {counted(rows, where)}")


def rebuild(cursor: Cursor, hours: str, where: str) -> None:
    """Count whole hours again: those that match the condition *hours* (on `hour`).

    *where* is the same condition on `occurred_at`.
    """
    cursor.execute(f"delete from cube where {hours}")
    add(cursor, where=where)


def rebuild_listed(cursor: Cursor, table: str) -> None:
    """Count again the hours of the temporary *table* (hour)."""
    listed = f"in (select hour from {table})"
    rebuild(cursor, f"hour {listed}", f"date_trunc('hour', occurred_at) {listed}")
