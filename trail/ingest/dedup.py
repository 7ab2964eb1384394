"""Find one change that arrived twice: the Public API and the forwarded call share no id.

Rule: same action, same actor, same target, within two seconds, one from each source. The report
that came first is the event; the record of the second is kept with it and counts as a duplicate.
"""

import datetime as dt
from typing import Any

from trail.storage.database import Cursor, Engine

APART = dt.timedelta(seconds=2)

# Ids are compared by their last part, since one source writes paths where the other may not.
_SIDE = """
select k.pos, k.event_id, k.occurred_at, k.forwarded, a.action,
 regexp_extract(p.actor_id, '[^/]*$') as actor,
 coalesce(nullif(regexp_extract(t.target_id, '[^/]*$'), ''), t.target_name) as target
from {rows} k
join actions a using (action_key) join actors p using (actor_key) join targets t using (target_key)
"""

# Each report's nearest partner, where both sides agree that they are each other's.
_PAIRS = """
create or replace temp table paired as
select a.pos as api_pos, a.event_id as api_id, f.pos as forwarded_pos, f.event_id as forwarded_id
from candidates a join candidates f
 on a.action = f.action and a.actor = f.actor and a.target = f.target
 and f.occurred_at between a.occurred_at - {apart} and a.occurred_at + {apart}
where not a.forwarded and f.forwarded and (a.pos is not null or f.pos is not null)
qualify row_number() over (partition by a.event_id
  order by abs(epoch_us(a.occurred_at - f.occurred_at)), f.event_id) = 1
 and row_number() over (partition by f.event_id
  order by abs(epoch_us(a.occurred_at - f.occurred_at)), a.event_id) = 1
"""

# Of two that came together, the one that stood first stays.
_LINK = """
create or replace temp table linked as
select pos, event_id, twin_of from (
 select case when later then forwarded_pos else api_pos end as pos,
  case when later then forwarded_id else api_id end as event_id,
  case when later then api_id else forwarded_id end as twin_of
 from (select *, api_pos is null or forwarded_pos > api_pos as later from paired))
"""

_KEEP = """
insert into twins
select l.event_id, l.twin_of, k.occurred_at, $now, r.batch_id, r.verified, r.raw
from linked l join keyed k using (pos) join records r using (pos)
"""


def link(cursor: Cursor, now: dt.datetime) -> int:
    """Move the second reports out of `keyed` (see dimensions) into `twins`; return how many.

    Reads the temporary view `records` (pos, raw, verified, batch_id). Costs next to nothing while
    only one source was used around these times.
    """
    first, last = cursor.execute("select min(occurred_at), max(occurred_at) from keyed").fetchall()[
        0
    ]
    apart = f"interval {int(APART.total_seconds())} second"
    near = (
        f"occurred_at >= timestamp '{first}' - {apart} "
        f"and occurred_at <= timestamp '{last}' + {apart}"
    )
    roads = cursor.execute(
        "select bool_or(forwarded) and bool_or(not forwarded) from ("
        f"select forwarded from keyed union all select forwarded from events where {near})"
    ).fetchall()[0][0]
    if not roads:
        return 0
    stored = (
        "(select null as pos, event_id, occurred_at, forwarded, action_key, actor_key, target_key "
        f"from events where {near} "
        "and event_id not in (select twin_of from twins where event_id <> twin_of))"
    )
    cursor.execute(
        f"create or replace temp table candidates as {_SIDE.format(rows='keyed')} "
        f"union all {_SIDE.format(rows=stored)}"
    )
    result = 0
    while True:
        cursor.execute(_PAIRS.format(apart=apart))
        cursor.execute(_LINK)
        linked = int(cursor.execute("select count(*) from linked").fetchall()[0][0])
        if not linked:
            return result
        result += linked
        cursor.execute(_KEEP, {"now": now})
        cursor.execute("delete from keyed where pos in (select pos from linked)")
        cursor.execute(
            "delete from candidates where event_id in (select event_id from linked) "
            "or event_id in (select twin_of from linked)"
        )


def of(engine: Engine, event_id: str) -> list[dict[str, Any]]:
    """Return the other reports of an event: event_id, occurred_at, ingested_at, raw, source."""
    rows: list[dict[str, Any]] = engine.table(
        "select t.event_id, t.occurred_at, t.ingested_at, t.raw, b.source "
        "from twins t left join batches b using (batch_id) where t.twin_of = $id "
        "order by t.ingested_at",
        {"id": event_id},
    ).to_pylist()
    return rows
