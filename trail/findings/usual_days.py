"""What an actor usually does on a day: how often each action of a finding's day happened before."""

from typing import Any

from trail.findings import daily, risks
from trail.findings.history import AUTOMATIC
from trail.findings.model import Finding
from trail.storage.engine import Engine

# The name of the row of all actions together; no action has it.
ALL = ""
# The shares of earlier days below `low` and above `high`: the middle 90 % is between them.
_TAIL = 0.05
# With fewer days, the middle 90 % is all of them.
ENTIRE_BELOW = round(1 / _TAIL)

_MINE = "actor_key in (select actor_key from actors where actor_id = $actor)"
_DAYS = daily.COUNTED.format(where=f"{_MINE} and hour < $day + interval 1 day")

_SQL = f"""
with overridden as ({risks.OVERRIDDEN}),
mine as (
 select d.day, a.action, max(coalesce(o.risk, a.risk))::integer as risk, sum(d.n)::bigint as n
 from ({_DAYS}) d join actions a using (action_key)
 left join overridden o on o.action = a.action
 where a.kind not in {AUTOMATIC}
 group by d.day, a.action
), counted as (
 select day, action, risk, n from mine
 union all select day, '{ALL}', max(risk), sum(n)::bigint from mine group by day
), days as (select distinct day from mine where day < $day),
today as (select action, risk, n from counted where day = $day),
-- Every earlier active day counts, as 0 if it was without the action.
filled as (
 select t.action, t.risk, t.n as seen, d.day, coalesce(c.n, 0) as n
 from today t left join days d on true
 left join counted c on c.day = d.day and c.action = t.action
)
select action, any_value(risk) as risk, any_value(seen) as seen,
 count(day) filter (n > 0) as days, count(day) as "of",
 round(coalesce(avg(n) filter (day is not null), 0), 2) as expected,
 quantile_disc(n, {_TAIL}) filter (day is not null) as low,
 quantile_disc(n, {1 - _TAIL}) filter (day is not null) as high,
 coalesce(max(n) filter (day is not null), 0) as most
from filled group by action order by action = '{ALL}' desc, risk desc, seen desc, action
"""


def expected_and_seen(engine: Engine, finding: Finding) -> list[dict[str, Any]]:
    """Compare each action of the finding's day with all earlier active days of its actor.

    Each row has action, risk (overrides count), seen (events that day), days (earlier active days
    with the action), of (earlier active days), and of the events a day of these: expected (the
    average), low and high (the middle 90 %, None without such days) and most. A day without the
    action counts as 0. Archived days count if *engine* reads them. The first row, `ALL`, is of all
    actions together; the others follow, the riskiest first. As in the reasons, failures and notices
    do not make a day active.
    """
    rows: list[dict[str, Any]] = engine.table(
        _SQL, {"actor": finding.actor_id, "day": finding.day}
    ).to_pylist()
    return rows
