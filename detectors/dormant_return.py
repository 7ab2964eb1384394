"""D6: an actor inactive for weeks returns and makes a risky change."""

from trail.core.text import count
from trail.findings import deeds, moments
from trail.findings.detector import (
    Detector,
    Facts,
    daily,
    events,
    match,
    no_match,
    workdays,
)

# Inactive days assumed before the history begins: two active days in a row are not a habit.
_PRIOR_DAYS = 14

_SQL = f"""
with before as (
 select *, lag(last_at) over (partition by actor_key order by day) as last_before from actor_days
), away as (
 select day, actor_key, m, risk, day_before, date_diff('day', day_before, day) as gap,
  last_before, date_diff('second', last_before, first_at) // 86400 as quiet,
  date_diff('day', first_day, day_before) + 1 as span,
  least(0.95, m / (date_diff('day', first_day, day_before) + {_PRIOR_DAYS})) as rate
 from before where day_before is not null and day >= (select since from judged)
)
select w.day, w.actor_key, least(12, -gap * log2(1 - rate) * 0.8) as bits, risk::double as risk,
 to_json(struct_pack(gap := gap, m := m, span := span, quiet := quiet,
  last_at := strftime(last_before, '%Y-%m-%dT%H:%M:%S'))) as facts,
 (select list(distinct a.action order by a.action) from acted a
  where a.day = w.day and a.actor_key = w.actor_key and a.risk >= 4) as actions,
 null::timestamp as since, null::timestamp as upto
from away w where gap >= 21 and risk >= 4 and m >= 2
"""


def _explain(facts: Facts) -> str:
    return (
        f"No activity for {facts['quiet']:,} days {moments.since(facts['last_at'])}; until then, "
        f"active on {facts['m']:,} of {count(facts['span'], 'day')}."
    )


def _headline(facts: Facts) -> str:
    done = deeds.on_days(facts["seen"], "risky action")
    return f"{done}, after {facts['quiet']:,} days without activity"


_USUAL = (
    *daily(workdays(0, 20), "users/ana", "Warehouses Modified", target="warehouse-1"),
    *daily(workdays(0, 60), "users/ben", "Warehouses Modified", target="warehouse-2"),
)

DETECTOR = Detector(
    name="dormant",
    title="Dormant actor returns",
    description="An actor inactive for about three weeks or more makes a risky change.",
    runbook=(
        "Find out whether the user has returned from leave or changed roles.",
        "If they left the company, revoke their access now and review everything they changed.",
        "For a token, find out who has it.",
    ),
    sql=_SQL,
    explain=_explain,
    headline=_headline,
    examples=(
        match(
            "A warehouse disabled after 36 days of inactivity",
            _USUAL,
            events(56, "11:00", "users/ana", "Warehouses Disabled", "w-1"),
        ),
        no_match(
            "A warehouse disabled after a long weekend",
            _USUAL,
            events(22, "11:00", "users/ana", "Warehouses Disabled", "w-1"),
        ),
    ),
)
