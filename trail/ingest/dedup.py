"""Find one change that arrived twice: the Public API and the forwarded call share no id.

Rule: same action, same actor, same target, within two seconds, one from each source. The report
that came first is the event; the record of the second is kept with it and counts as a duplicate.
"""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa

from trail.storage.connection import Cursor, arrow
from trail.storage.distinct import distinct
from trail.storage.engine import Engine

APART = dt.timedelta(seconds=2)

# Ids are compared by their last part, since one source writes paths where the other may not.
_ACTOR_TEXT = "regexp_extract(p.actor_id, '[^/]*$')"
_TARGET_TEXT = "coalesce(nullif(regexp_extract(t.target_id, '[^/]*$'), ''), t.target_name)"
_SIDE = f"""
select k.pos, k.event_id, k.occurred_at, k.forwarded, a.action,
 {_ACTOR_TEXT} as actor, {_TARGET_TEXT} as target
from {{rows}} k
join actions a using (action_key) join actors p using (actor_key) join targets t using (target_key)
"""

# The first key of those whose texts are equal, by key.
_ACTION = "select action_key, min(action_key) over (partition by action) as same from actions"
_ACTOR = f"""
select actor_key, min(actor_key) over (partition by {_ACTOR_TEXT}) as same
from actors p semi join near_events using (actor_key)
"""
_TARGET = f"""
select target_key, min(target_key) over (partition by {_TARGET_TEXT}) as same
from targets t semi join near_events using (target_key)
"""

# Each event with numbers in place of texts: what can be a pair is found without comparing texts.
_NUMBERED = f"""
select e.place, e.is_new, e.forwarded, epoch_us(e.occurred_at) as moment,
 a.same as action, p.same as actor, t.same as target
from near_events e join ({_ACTION}) a using (action_key) join ({_ACTOR}) p using (actor_key)
join ({_TARGET}) t using (target_key)
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


def link(cursor: Cursor, now: dt.datetime) -> list[int]:
    """Keep the second reports among the view `keyed` in `twins`; return their `pos`.

    `keyed` has the columns of `events` but raw, and pos; `records` has pos, raw, verified and
    batch_id. Costs next to nothing while only one source was
    used around these times, and little while no two reports are near each other.
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
    if not roads or not _mark_possible(cursor, near):
        return []
    cursor.execute(
        "create or replace temp table candidates as "
        + _SIDE.format(rows="(from keyed where pos in (select place from possible where is_new))")
        + " union all "
        + _SIDE.format(
            rows=f"(select null as pos, * from events where {near} "
            "and rowid in (select place from possible where not is_new))"
        )
    )
    result: list[int] = []
    while True:
        cursor.execute(_PAIRS.format(apart=apart))
        cursor.execute(_LINK)
        linked = [row[0] for row in cursor.execute("select pos from linked").fetchall()]
        if not linked:
            return result
        result += linked
        cursor.execute(_KEEP, {"now": now})
        cursor.execute(
            "delete from candidates where event_id in (select event_id from linked) "
            "or event_id in (select twin_of from linked)"
        )


def _mark_possible(cursor: Cursor, near: str) -> bool:
    """Make the view `possible` (place, is_new) of events that may be one of a pair.

    A place is the pos of a new event or the row of a stored one. Of the events of one action, actor
    and target in the order of time, those of a pair stand in a row of which none is further from
    the next than two may be apart.
    """
    cursor.execute(
        "create or replace temp table near_events as select pos as place, true as is_new, "
        "forwarded, occurred_at, action_key, actor_key, target_key from keyed union all "
        "select rowid, false, forwarded, occurred_at, action_key, actor_key, target_key "
        f"from events where {near} "
        "and event_id not in (select twin_of from twins where event_id <> twin_of)"
    )
    events = arrow(cursor, _NUMBERED)
    places, _ = distinct(events, ("action", "actor", "target"))
    moments, forwarded = (events[name].to_numpy() for name in ("moment", "forwarded"))
    order = np.lexsort((moments, places))
    apart_us = APART // dt.timedelta(microseconds=1)
    is_next = (np.diff(places[order]) == 0) & (np.diff(moments[order]) <= apart_us)
    row = np.concatenate([[0], np.cumsum(~is_next)])
    has_both = np.zeros(row[-1] + 1, bool)
    has_both[row[1:][is_next & (np.diff(forwarded[order].astype(np.int8)) != 0)]] = True
    possible = events.select(["place", "is_new"]).take(pa.array(order[has_both[row]]))
    cursor.register("possible", possible)
    return bool(possible.num_rows)


def of(engine: Engine, event_id: str) -> list[dict[str, Any]]:
    """Return the other reports of an event: event_id, occurred_at, ingested_at, raw, source."""
    rows: list[dict[str, Any]] = engine.table(
        "select t.event_id, t.occurred_at, t.ingested_at, t.raw, b.source "
        "from twins t left join batches b using (batch_id) where t.twin_of = $id "
        "order by t.ingested_at",
        {"id": event_id},
    ).to_pylist()
    return rows
