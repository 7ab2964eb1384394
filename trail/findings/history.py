"""The temporary tables that detectors read: activity per actor and day up to the scored days.

Every window covers earlier days only, so a score never depends on later events.

`judged` (since, until, at_time): the days to score, and up to when data is known by now.
`acted` (day, actor_key, actor_type, action, category, kind, risk, n, targets, hours, first_at,
  last_at): one row per actor, action and day; `hours` has one bit per UTC hour.
`actor_days` (day, actor_key, actor_type, grp, m, first_day, day_before, n, hours, risk): one row
  per active day; m counts earlier active days, grp is the peer group: the category of most of the
  actor's earlier changes ("token" for tokens).
`groups` (grp, day, pdays, peers): active days and actors of a peer group before that day.
`everyone` (day, gdays): active days of all actors before that day.
`amounts`: see `trail.findings.amounts`.

System events, failures, checks and run-time notices are excluded: no actor decided on them.
"""

import datetime as dt

from trail.events import coverage
from trail.findings import amounts, risks
from trail.storage.connection import Cursor
from trail.storage.inside import Inside

# Kinds that no user or token decides on; `read` and `run` are habits and are included.
AUTOMATIC = ("failure", "partial", "enforce", "detect", "complete")

_ACTED = f"""
create or replace temp table acted as
select d.day, d.actor_key, min(p.actor_type) as actor_type, a.action, min(a.category) as category,
 min(a.kind) as kind, min(coalesce(o.risk, a.risk))::integer as risk, sum(d.n)::bigint as n,
 sum(d.targets)::bigint as targets, bit_or(d.hours) as hours, min(d.first_at) as first_at,
 max(d.last_at) as last_at
from daily_actions d join actions a using (action_key) join actors p using (actor_key)
left join risks o on o.action = a.action
where d.day <= (select until from judged) and p.actor_type <> 'system'
 and a.kind not in {AUTOMATIC} and a.action <> 'Permission Check'
group by d.day, d.actor_key, a.action
"""

_RISKS = f"create or replace temp table risks as {risks.OVERRIDDEN}"

_GROUPED = """
create or replace temp table grouped as
with days as (select distinct day, actor_key, actor_type from acted),
mine as (select distinct actor_key, category from acted),
before as (
 select d.day, d.actor_key, m.category, coalesce(sum(n), 0) as today,
  coalesce(sum(sum(n)) over (partition by d.actor_key, m.category order by d.day
   rows between unbounded preceding and 1 preceding), 0) as earlier
 from days d join mine m using (actor_key)
 left join acted a on a.day = d.day and a.actor_key = d.actor_key and a.category = m.category
 group by d.day, d.actor_key, m.category
)
select day, actor_key, actor_type,
 case when actor_type in ('token', 'unknown') then actor_type else category end as grp
from before join days using (day, actor_key)
qualify row_number() over (
 partition by day, actor_key order by earlier desc, today desc, category) = 1
"""

_ACTOR_DAYS = """
create or replace temp table actor_days as
select a.day, a.actor_key, g.actor_type, g.grp,
 row_number() over mine - 1 as m,
 min(a.day) over mine as first_day, lag(a.day) over mine as day_before,
 a.n, a.hours, a.risk, a.first_at, a.last_at,
 row_number() over (partition by g.grp, a.actor_key order by a.day) = 1 as new_in_group
from (
 select day, actor_key, sum(n)::bigint as n, bit_or(hours) as hours, max(risk) as risk,
  min(first_at) as first_at, max(last_at) as last_at
 from acted group by day, actor_key
) a join grouped g using (day, actor_key)
window mine as (partition by a.actor_key order by a.day)
"""

_GROUPS = """
create or replace temp table groups as
select grp, day,
 sum(count(*)) over earlier - count(*) as pdays,
 sum(count(*) filter (new_in_group)) over earlier - count(*) filter (new_in_group) as peers
from actor_days group by grp, day
window earlier as (partition by grp order by day)
"""

_EVERYONE = """
create or replace temp table everyone as
select day, sum(count(*)) over (order by day) - count(*) as gdays from actor_days group by day
"""

TABLES = ("judged", "risks", "acted", "grouped", "actor_days", "groups", "everyone", "amounts")


def prepare(cursor: Cursor, since: dt.date, until: dt.date, now: dt.datetime) -> None:
    """Create the tables for scoring the days *since* to *until* (inclusive) at *now* (UTC)."""
    # After the end of the data, nobody is known to be inactive. All of it may be archived.
    known = coverage.known_until(Inside(cursor), now) or _last_action(cursor) or now
    cursor.execute(
        "create or replace temp table judged as "
        f"select date '{since}' as since, date '{until}' as until, "
        f"timestamp '{known.isoformat(sep=' ')}' as at_time"
    )
    for statement in (_RISKS, _ACTED, _GROUPED, _ACTOR_DAYS, _GROUPS, _EVERYONE, amounts.TABLE):
        cursor.execute(statement)


def _last_action(cursor: Cursor) -> dt.datetime | None:
    last: dt.datetime | None
    (last,) = cursor.execute("select max(last_at) from daily_actions").fetchall()[0]
    return last


def drop(cursor: Cursor) -> None:
    """Drop the tables."""
    for table in TABLES:
        cursor.execute(f"drop table if exists {table}")
