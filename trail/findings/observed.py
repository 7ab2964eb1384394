"""What was observed: the events of each reason, counted per action when a day is scored.

Stored with the reason, so that its sentence can name what was done after the events are removed.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from trail.findings.history import AUTOMATIC
from trail.storage.connection import Cursor, arrow
from trail.storage.filters import Window
from trail.storage.where import span

_DAY = dt.timedelta(days=1)

# Integer keys first: lists of names are matched once per action, not once per event.
_SQL = f"""
with named as (
 select w.number, w.actor_key, a.action_key, w.since, w.upto
 from wanted_events w, unnest(w.actions) as n(action) join actions a using (action)
 union all
 select w.number, w.actor_key, a.action_key, w.since, w.upto
 from wanted_events w join (select distinct actor_key, action_key from daily_actions) d
  using (actor_key)
 join actions a using (action_key)
 where w.actions is null and a.kind not in {AUTOMATIC}
), matched as (
 select n.number, a.action, a.risk, e.occurred_at,
  t.target_type || ':' || coalesce(nullif(t.target_id, ''), t.target_name) as id,
  coalesce(nullif(t.target_name, ''), nullif(t.target_id, '')) as name
 from trusted_events e join named n on n.actor_key = e.actor_key and n.action_key = e.action_key
  and e.occurred_at >= n.since and e.occurred_at <= n.upto
 join actions a on a.action_key = e.action_key join targets t on t.target_key = e.target_key
 where {{within}} and a.action <> 'Permission Check'
), targets as (
 -- A target that was renamed meanwhile is one, with its last name.
 select number, action, id, max(risk) as risk, count(*) as n,
  arg_max(name, occurred_at) as name, min(occurred_at) as first, max(occurred_at) as last
 from matched group by number, action, id
)
select number, action, max(risk) as risk, sum(n)::bigint as n, count(*) as targets,
 list(struct_pack(name, id) order by name, id) filter (name is not null) as named,
 min(first) as first, max(last) as last
from targets group by number, action order by number, risk desc, n desc, action
"""
_MAX_NAMES = 6  # a sentence names two; all are compared with those of other actions

Span = tuple[int, dt.date, list[str] | None, dt.datetime | None, dt.datetime | None]


def observe(cursor: Cursor, reasons: Sequence[Span]) -> list[list[dict[str, Any]]]:
    """Return what was done for each of *reasons*: actor key, day, actions, since and upto (UTC).

    Each result has per action, riskiest first: action, risk, n (events), targets (how many), the
    names and ids of up to six of them, and the first and last time (ISO, UTC).
    """
    if not reasons:
        return []
    spans = [
        (
            since or dt.datetime.combine(day, dt.time()),
            upto or dt.datetime.combine(day + _DAY, dt.time()) - dt.timedelta(microseconds=1),
        )
        for _, day, _, since, upto in reasons
    ]
    cursor.register(
        "wanted_events",
        pa.table(
            {
                "number": pa.array(range(len(reasons)), pa.int32()),
                "actor_key": pa.array([reason[0] for reason in reasons], pa.int32()),
                "actions": pa.array([reason[2] for reason in reasons], pa.list_(pa.string())),
                "since": pa.array([since for since, _ in spans], pa.timestamp("us")),
                "upto": pa.array([upto for _, upto in spans], pa.timestamp("us")),
            }
        ),
    )
    whole = Window(
        min(since for since, _ in spans),
        max(upto for _, upto in spans) + dt.timedelta(microseconds=1),
    )
    rows = arrow(cursor, _SQL.format(within=span(whole, "e.occurred_at")))
    cursor.unregister("wanted_events")
    seen: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.to_pylist():
        named = (row.pop("named") or [])[:_MAX_NAMES]
        seen[row.pop("number")].append(
            {
                **row,
                "names": [target["name"] for target in named],
                "ids": [target["id"] for target in named],
                "first": row["first"].isoformat(),
                "last": row["last"].isoformat(),
            }
        )
    return [seen[number] for number in range(len(reasons))]
