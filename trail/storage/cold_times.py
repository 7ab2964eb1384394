"""What is known of archived days without reading them, besides their hourly counts.

The views `actor_times` (actor_key, first_at, last_at; an actor can be in several rows) and
`access_removals` (occurred_at, target_key) are about the events of the database. For archived days
the same is kept in tables: `tiers` has views of both. `cold_loader_days` (day, loader, last_at) has
the newest event that each loader has brought.
"""

import datetime as dt
from collections.abc import Collection

from trail.storage.connection import Cursor
from trail.storage.engine import Engine

# The actions that take access away from their target, as in the view.
_REMOVAL = "a.action in ('User Removed', 'Group Memberships Deleted')"
_TABLES = {
    "cold_actor_days": "day",
    "cold_access_removals": "occurred_at::date",
    "cold_loader_days": "day",
    "cold_days_pending": "day",
}


def add(cursor: Cursor, rows: str) -> None:
    """Add what the tables keep of the archived events *rows*, a table."""
    cursor.execute(
        "insert into cold_actor_days select occurred_at::date, actor_key, min(occurred_at), "
        f"max(occurred_at) from {rows} r where not future_dated group by all order by all"
    )
    cursor.execute(f"insert into cold_access_removals {_removals(rows)}")
    cursor.execute(
        "insert into cold_loader_days select occurred_at::date, loader, max(occurred_at) "
        f"from {rows} r join batches using (batch_id) where not future_dated and loader <> '' "
        "group by all order by all"
    )


def remove(cursor: Cursor, days: Collection[dt.date] | None = None) -> None:
    """Remove these archived *days* from the tables; without them all."""
    for table, day in _TABLES.items():
        chosen = "true" if days is None else f"{day} in ({listed(days)})"
        cursor.execute(f"delete from {table} where {chosen}")


def move_actors(cursor: Cursor, moved: str) -> None:
    """Let what is known go over from old_key to new_key of the table *moved*."""
    cursor.execute(
        f"update cold_actor_days set actor_key = new_key from {moved} where actor_key = old_key"
    )


def pending(engine: Engine) -> list[dt.date]:
    """Return the days that were archived by an earlier version and are not in the tables yet."""
    days: list[dt.date] = engine.table("from cold_days_pending order by day")["day"].to_pylist()
    return days


def views(cold: str, days: Collection[dt.date]) -> dict[str, str]:
    """Return the SELECTs of both tiers by the name of the view that they stand for.

    *cold* is the SELECT of the archived events, of which those of *days* are `pending`.
    """
    hot = "select * from trail.events"
    times, removals = [_times(f"({hot})")], [_removals(f"({hot})")]
    times.append(
        "select actor_key, min(first_at), max(last_at) from trail.cold_actor_days group by all"
    )
    removals.append("select occurred_at, target_key from trail.cold_access_removals")
    if cold and days:
        rows = f"(select * from ({cold}) where occurred_at::date in ({listed(days)}))"
        times.append(_times(rows))
        removals.append(_removals(rows))
    return {
        "actor_times": " union all ".join(times),
        "access_removals": " union all ".join(removals),
    }


def listed(days: Collection[dt.date]) -> str:
    """Return *days* as a list of SQL literals."""
    return ", ".join(f"date '{day}'" for day in days)


def _times(rows: str) -> str:
    return (
        "select actor_key, min(occurred_at) as first_at, max(occurred_at) as last_at "
        f"from {rows} r where not future_dated group by actor_key"
    )


def _removals(rows: str) -> str:
    return (
        f"select r.occurred_at, r.target_key from {rows} r join actions a using (action_key) "
        f"where not r.unverified and not r.future_dated and {_REMOVAL}"
    )
