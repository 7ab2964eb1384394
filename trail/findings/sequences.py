"""Risky sequences of changes, detected per changed day (docs/detection.md, D2 a, b, c and f).

D2 d and e do not depend on the order of events and are computed by the detector.
"""

import datetime as dt

from trail.storage.connection import Cursor
from trail.storage.filters import Window
from trail.storage.where import span

_DAY = dt.timedelta(days=1)

# Actions that weaken protection, and actions that open data egress or access.
WEAKENING = (
    "Destination Filters Deleted", "Destination Filters Modified", "Destination Filter Disabled",
    "Filter Deleted", "Source Disconnected From Tracking Plan", "Tracking Plan Deleted",
)  # fmt: skip
OPENING = (
    "Integrations Created", "Warehouses Created", "Storage Destination Created",
    "Profiles Sync Warehouse Created", "Audience CSV Downloaded", "Computed Trait CSV Downloaded",
    "User Invite Sent", "Users Invited",
)  # fmt: skip
INVITES = (
    "User Invite Sent", "Users Invited", "New Segment User Invited to Workspace",
    "Non-Segment User Invited to Workspace", "User Added via SSO",
)  # fmt: skip
GROUPS = (
    "User Group Updated", "User Group Policy Updated", "User Policy Updated",
    "Subjects Added to Group", "User Added To User Group", "User Removed From User Group",
    "Group Memberships Deleted", "Policy Created",
)  # fmt: skip
EGRESS = (
    "Integrations Created", "Destination Function Created", "Warehouses Created",
    "Storage Destination Created", "Source Function Created", "Integrations Deleted",
    "Destination Function Deleted", "Warehouses Deleted", "Storage Destination Deleted",
    "Source Function Deleted",
)  # fmt: skip


def names(actions: tuple[str, ...]) -> str:
    """Return *actions* as SQL literals for an `in`."""
    return ", ".join("'" + action.replace("'", "''") + "'" for action in actions)


_STEPS = f"""
create or replace temp table steps as
select e.occurred_at as at_time, e.actor_key, a.action, a.kind, t.target_id
from trusted_events e join actions a using (action_key) join targets t using (target_key)
where {{where}} and e.actor_key in (select actor_key from actors where actor_type <> 'system')
 and a.action in ({names(tuple(sorted({*WEAKENING, *OPENING, *INVITES, *GROUPS, *EGRESS})))})
"""


def _then(chain: str, first: tuple[str, ...], second: tuple[str, ...]) -> str:
    """Return the SQL of *second* within 24 hours of the same actor's *first*.

    `since` is the earliest *first* of these hours.
    """
    return f"""
select at_time, actor_key, '{chain}' as chain, since from (
 select *, min(at_time) filter (action in ({names(first)})) over (partition by actor_key
  order by at_time range between interval 24 hours preceding and current row) as since
 from steps where action in ({names((*first, *second))})
) where action in ({names(second)}) and since is not null"""


_CHAINS = f"""
insert into daily_chains
select at_time::date as day, actor_key, chain, count(*), min(since), max(at_time)
from (
{_then("weaken-then-open", WEAKENING, OPENING)}
union all
{_then("invite-then-group", INVITES, GROUPS)}
union all
select d.at_time, d.actor_key, 'create-then-delete', c.at_time
from (select * from steps where kind = 'delete' and action in ({names(EGRESS)})) d
asof join (select * from steps where kind = 'create' and action in ({names(EGRESS)})) c
 on d.actor_key = c.actor_key and d.target_id = c.target_id and d.at_time >= c.at_time
where d.target_id <> '' and d.at_time - c.at_time <= interval 24 hours
union all
select at_time, actor_key, 'group-twice', before
from (
 select *, lag(at_time) over (partition by actor_key, target_id order by at_time) as before
 from steps where action in ({names(GROUPS)}) and target_id <> ''
) where at_time - before <= interval 24 hours
) where at_time::date in ({{days}})
group by all
"""


def fold(cursor: Cursor, days: list[dt.date]) -> None:
    """Rebuild the sequences that end on *days* (UTC, in order)."""
    listed = ", ".join(f"date '{day}'" for day in days)
    start = dt.datetime.combine(days[0] - _DAY, dt.time())
    end = dt.datetime.combine(days[-1] + _DAY, dt.time())
    cursor.execute(_STEPS.format(where=span(Window(start, end), "e.occurred_at")))
    cursor.execute(f"delete from daily_chains where day in ({listed})")
    cursor.execute(_CHAINS.format(days=listed))
    cursor.execute("drop table steps")
