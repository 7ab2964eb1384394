"""The daily aggregates: a few rows for each day, actor and action, kept up by the day.

Separate so that loading never pays for them: `fold` looks at the cube and at what has come since,
and counts anew the days that changed, whatever changed them (new, late or removed events).
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from trail.filters import Window
from trail.findings import sequences
from trail.selection import literal, span
from trail.store import Cursor

_DAY = dt.timedelta(days=1)

_GROUPED = """
create or replace temp table fresh_days as
select e.occurred_at::date as day, e.actor_key, e.action_key, e.target_key, count(*) as n,
 bit_or(1 << hour(e.occurred_at)::integer)::integer as hours,
 min(e.occurred_at) as first_at, max(e.occurred_at) as last_at
from events e
where ({where})
 and e.actor_key in (select actor_key from actors where actor_type <> 'system')
 and e.action_key in (select action_key from actions where action <> 'Permission Check')
group by all
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
class Changed:
    """Days that are not counted as they are: where events came, and where they only went."""

    came: tuple[dt.date, ...]
    went: tuple[dt.date, ...]


def changed(cursor: Cursor, since: str) -> Changed:
    """Return the days whose events are others than those that were folded.

    *since* is the newest `ingested_at` that was folded, as text; empty for none.
    """
    rows = cursor.execute(
        "select day, coalesce(c.n, 0) as n, coalesce(f.events, 0) as was from "
        "(select hour::date as day, sum(n)::bigint as n from cube group by all) c "
        "full join folded f using (day) where n is distinct from f.events order by day"
    ).fetchall()
    came = {day for day, now, was in rows if now > was}
    if since:
        # Counts alone would miss as many late events as were removed from the same day.
        came.update(
            row[0]
            for row in cursor.execute(
                "select distinct occurred_at::date from events "
                f"where ingested_at > {literal(dt.datetime.fromisoformat(since))}"
            ).fetchall()
        )
    return Changed(tuple(sorted(came)), tuple(day for day, *_ in rows if day not in came))


def newest(cursor: Cursor) -> str:
    """Return the newest `ingested_at` among the events, as text; empty for none."""
    found = cursor.execute("select max(ingested_at) from events").fetchall()[0][0]
    return found.isoformat() if found else ""


def fold(cursor: Cursor, days: Iterable[dt.date]) -> None:
    """Count *days* (UTC) anew, from the events that there are now."""
    wanted = sorted(days)
    if not wanted:
        return
    cursor.execute(_GROUPED.format(where=_among("e.occurred_at", wanted)))
    listed = ", ".join(f"date '{day}'" for day in wanted)
    for table in ("daily_actions", "daily_targets", "folded"):
        cursor.execute(f"delete from {table} where day in ({listed})")
    cursor.execute(_ACTIONS)
    cursor.execute(_TARGETS)
    cursor.execute("drop table fresh_days")
    cursor.execute(
        "insert into folded select hour::date as day, sum(n)::bigint from cube "
        f"where hour::date in ({listed}) group by all"
    )
    # A chain looks back a day, so that the day after a changed one may have other chains.
    sequences.fold(cursor, sorted({*wanted, *(day + _DAY for day in wanted)}))


def _among(column: str, days: list[dt.date]) -> str:
    """Return the condition that *column* lies on *days*, as one span for each unbroken run."""
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
