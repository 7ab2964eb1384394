"""The table `finding_evidence`: where the events behind findings are, for filters of events.

It holds the findings that the budget shows and those with a decision. Separate from the findings,
so that a filter reads a small table and not their reasons.
"""

import datetime as dt

from trail.findings import budget
from trail.findings.budget import Scored
from trail.storage import cursors
from trail.storage.connection import Cursor

# Written once the table is filled, since an upgraded database begins with an empty one.
_MARK = "findings.evidence"
_REASON = (
    '[{"actions": ["varchar"], "since": "timestamp", "upto": "timestamp", "facts": '
    '{"preceding": [{"actor_id": "varchar", "action": "varchar", "occurred_at": "timestamp"}]}}]'
)
_LAST = "interval '1 day' - interval '1 microsecond'"
_INSERT = f"""
insert into finding_evidence
with reasons as (
 select finding_id, if(state = 'open', 'to_review', 'decided') as state, actor_id, day,
  unnest(from_json(reasons, '{_REASON}')) as reason
 from findings where CHOSEN
), acted as (
 select finding_id, state, actor_id, day, reason.since as since, reason.upto as upto,
  unnest(if(len(reason.actions) > 0, reason.actions, [null])) as action
 from reasons
 union all
 select finding_id, state, event.actor_id, day, event.occurred_at, event.occurred_at, event.action
 from (select *, unnest(reason.facts.preceding) as event from reasons)
)
select distinct finding_id, state, actor_id, action, coalesce(since, day),
 coalesce(upto, day + {_LAST}) from acted
"""


def is_filled(cursor: Cursor) -> bool:
    """Return whether `rebuild` ever ran on this database."""
    return bool(cursors.read(cursor, _MARK))


def rebuild(cursor: Cursor, opened: dt.date | None, until: dt.date) -> None:
    """Fill the table for the findings that the budget shows until the day *until*.

    *opened* is the first day with any event.
    """
    rows = cursor.execute(budget.scored_sql()).fetchall()
    shown = budget.apply_budget([Scored(*row) for row in rows], opened, until).shown
    cursor.execute("delete from finding_evidence")
    cursor.execute(
        _INSERT.replace(
            "CHOSEN", "state <> 'open' or finding_id in (select unnest($shown::varchar[]))"
        ),
        {"shown": sorted(shown)},
    )
    cursors.put(cursor, _MARK, "filled")


def update(cursor: Cursor, finding_ids: list[str]) -> None:
    """Bring the rows of findings up to date after a decision."""
    chosen, here = "list_contains($ids::varchar[], finding_id)", {"ids": finding_ids}
    cursor.execute(f"delete from finding_evidence where {chosen}", here)
    cursor.execute(_INSERT.replace("CHOSEN", chosen), here)
