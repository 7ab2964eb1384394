"""Daily aggregates: rows per day, actor and action, updated for the days whose events changed."""

import contextlib
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from trail.findings import sequences
from trail.storage import cold_views
from trail.storage.connection import Cursor
from trail.storage.event_flags import TRUSTED
from trail.storage.filters import Window
from trail.storage.where import literal, span

_DAY = dt.timedelta(days=1)

# The events that a user or token decided on.
_DECIDED = """actor_key in (select actor_key from actors where actor_type <> 'system')
 and action_key in (select action_key from actions where action <> 'Permission Check')"""

_GROUPED = f"""
create or replace temp table fresh_days as
select e.occurred_at::date as day, e.actor_key, e.action_key, e.target_key, count(*) as n,
 bit_or(1 << hour(e.occurred_at)::integer)::integer as hours,
 min(e.occurred_at) as first_at, max(e.occurred_at) as last_at
from trusted_events e
where ({{where}}) and {_DECIDED}
group by all
"""

_COUNTS = f"""select hour::date as day, sum(n)::bigint as n from (
 select hour, n, unverified, future_dated from cube union all
 select hour, n, unverified, future_dated from cold_cube where hour >= date '{{first}}'
) where {TRUSTED} and {{where}} group by all"""

# The counts of `daily_actions` from those of the hours, which the archived days have too.
COUNTED = f"""
select hour::date as day, actor_key, action_key, sum(n)::bigint as n from actor_cube
where {TRUSTED} and {_DECIDED} and {{where}} group by all
"""

_ACTIONS = """
insert into daily_actions
select day, actor_key, action_key, sum(n)::bigint, count(*), bit_or(hours), min(first_at),
 max(last_at)
from fresh_days group by day, actor_key, action_key order by day, actor_key, action_key
"""

_TARGETS = """
insert into daily_targets
select day, actor_key, action_key, target_key, n from fresh_days
join targets using (target_key) where target_id <> '' or target_name <> ''
order by day
"""


@dataclass(frozen=True, slots=True)
class ChangedDays:
    """Days whose aggregates are stale: with new events, and with removals only."""

    updated: tuple[dt.date, ...]
    removed: tuple[dt.date, ...]


def changed_days(cursor: Cursor, since: str, first: dt.date) -> ChangedDays:
    """Return the days whose events changed since they were aggregated.

    *since* is the newest aggregated `ingested_at` in ISO format; empty for none. Archived days
    count from *first* on; those with a part that cannot be read now are left out.
    """
    rows = cursor.execute(
        "select day, coalesce(c.n, 0) as n, coalesce(f.events, 0) as was from "
        f"({_COUNTS.format(where='true', first=first)}) c "
        "full join folded f using (day) where n is distinct from f.events order by day"
    ).fetchall()
    updated = {day for day, now, was in rows if now > was}
    if since:
        # Counts alone would miss late events when as many were removed from the same day.
        updated.update(
            row[0]
            for row in cursor.execute(
                "select distinct occurred_at::date from events "
                f"where ingested_at > {literal(dt.datetime.fromisoformat(since))}"
            ).fetchall()
        )
    unread = cold_views.unreadable(cursor, [*updated, *(day for day, *_ in rows)])
    removed = (day for day, *_ in rows if day not in updated and day not in unread)
    return ChangedDays(tuple(sorted(updated - unread)), tuple(removed))


def newest_ingestion(cursor: Cursor) -> str:
    """Return the newest `ingested_at` of all events in ISO format; empty for none."""
    (newest,) = cursor.execute("select max(ingested_at) from events").fetchall()[0]
    return newest.isoformat() if newest else ""


def fold(cursor: Cursor, days: Iterable[dt.date], first: dt.date) -> None:
    """Rebuild the aggregates of *days* (UTC) from the current events; see `with_archived`."""
    ordered = sorted(days)
    if not ordered:
        return
    cursor.execute(_GROUPED.format(where=_on_days("e.occurred_at", ordered)))
    listed = ", ".join(f"date '{day}'" for day in ordered)
    for table in ("daily_actions", "daily_targets", "folded"):
        cursor.execute(f"delete from {table} where day in ({listed})")
    cursor.execute(_ACTIONS)
    cursor.execute(_TARGETS)
    cursor.execute("drop table fresh_days")
    cursor.execute(
        f"insert into folded {_COUNTS.format(where=f'hour::date in ({listed})', first=first)}"
    )
    # Sequences span 24 hours, so a changed day affects the sequences of the next day.
    sequences.fold(cursor, sorted({*ordered, *(day + _DAY for day in ordered)}))


def fold_sequences(cursor: Cursor) -> None:
    """Rebuild the sequences of all days with events, as an earlier version may have found them."""
    days = {row[0] for row in cursor.execute("select day from folded").fetchall()}
    days -= cold_views.unreadable(cursor, days)
    if days:
        sequences.fold(cursor, sorted({*days, *(day + _DAY for day in days)}))


def newest_archived(cursor: Cursor, first: dt.date) -> dt.date | None:
    """Return the newest archived day from *first* on, or None."""
    newest: dt.date | None
    (newest,) = cursor.execute(
        "select max(day) from cold_parts where day >= $first", {"first": first}
    ).fetchall()[0]
    return newest


@contextlib.contextmanager
def with_archived(cursor: Cursor, first: dt.date) -> Iterator[None]:
    """Let `trusted_events` have those of archived days from *first* on, too."""
    both = cold_views.events(cursor, first)
    cursor.execute(f"create temp view trusted_events as from ({both}) where {TRUSTED}")
    yield
    cursor.execute("drop view temp.trusted_events")  # after an error the transaction ends


def _on_days(column: str, days: list[dt.date]) -> str:
    """Return the condition that *column* is on *days*: one span per run of consecutive days."""
    runs: list[list[dt.date]] = []
    for day in days:
        if runs and runs[-1][1] == day:
            runs[-1][1] = day + _DAY
        else:
            runs.append([day, day + _DAY])
    return " or ".join(
        f"({span(Window(_midnight(first), _midnight(end)), column)})" for first, end in runs
    )


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time())
