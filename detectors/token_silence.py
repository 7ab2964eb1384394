"""D8: a continuously active token stops."""

from trail.core.text import count
from trail.core.time_labels import duration_text
from trail.findings import moments
from trail.findings.detector import (
    RHYTHM_DAYS,
    Detector,
    ExampleEvent,
    Facts,
    daily,
    match,
    no_match,
    workdays,
)

_MIN_EVENTS = 200
_RISK = 7

# Gaps within a day need no check: 24 hours are always allowed. Before two weeks are known, the next
# pause may be the token's first weekend.
_SQL = f"""
with gaps as (
 select actor_key, day, last_at, m + 1 as days,
  sum(n) over (partition by actor_key order by day)::bigint as n,
  lead(first_at) over (partition by actor_key order by day) as next_at,
  min(first_at) over (partition by actor_key order by day) as began_at,
  coalesce(max(first_at - before) over (partition by actor_key order by day), interval 0 hours)
   as pause
 from (
  select *, lag(last_at) over (partition by actor_key order by day) as before
  from actor_days where actor_type = 'token'
 )
), silent as (
 select *, last_at + greatest(interval 24 hours, 1.5 * pause) as missed_at from gaps
)
select missed_at::date as day, actor_key, log2(1 + n) as bits, {_RISK}::double as risk,
 to_json(struct_pack(n := n, days := days, last_at := strftime(last_at, '%Y-%m-%dT%H:%M:%S'),
  pause_s := epoch(pause))) as facts,
 null::varchar[] as actions, last_at as since, last_at as upto
from silent
where n >= {_MIN_EVENTS} and last_at - began_at >= interval {RHYTHM_DAYS} days
 and (next_at is null or next_at > missed_at)
 and missed_at <= (select at_time from judged)
 and missed_at::date between (select since from judged) and (select until from judged)
"""


def _explain(facts: Facts) -> str:
    return (
        f"No activity {moments.since(facts['last_at'])}; in {count(facts['n'], 'event')} on "
        f"{count(facts['days'], 'active day')} until then, {_pause(facts)}."
    )


def _headline(facts: Facts) -> str:
    return f"has been inactive {moments.since(facts['last_at'])}; before, {_pause(facts)}"


def _pause(facts: Facts) -> str:
    # Pauses are measured from the last event of a day to the first one of the next active day.
    if facts["pause_s"] < 3600:
        return "it never paused for an hour overnight"
    return f"its longest pause overnight was {duration_text(facts['pause_s'])}"


_SYNCS = tuple(
    event
    for hour in range(8)
    for event in daily(
        range(30), "tokens/sync", "Tracking Plan Modified", time=f"{hour * 3:02}:00", target="plan"
    )
)


def _quarter_hours(first: int, last: int) -> tuple[ExampleEvent, ...]:
    """Return a run every quarter of an hour from 8:00 to 18:00 on weekdays."""
    return tuple(
        event
        for minute in range(8 * 60, 18 * 60, 15)
        for event in daily(
            workdays(first, last),
            "tokens/dbt",
            "Tracking Plan Modified",
            time=f"{minute // 60:02}:{minute % 60:02}",
            target="plan",
        )
    )


_FIRST, _SECOND, _THIRD = _quarter_hours(0, 5), _quarter_hours(5, 16), _quarter_hours(16, 20)
# Until late: after the end of all data, nothing is known to be silent.
_OTHERS = daily(range(40), "users/ben", "Source Modified", time="23:50")

DETECTOR = Detector(
    name="silence",
    title="Token inactive",
    description="A continuously active token has stopped; an integration may be broken or cut off.",
    runbook=(
        "Ask the owner of the integration whether it was retired.",
        "If not, check whether the token was revoked or expired, and what is no longer updated.",
    ),
    sql=_SQL,
    explain=_explain,
    headline=_headline,
    examples=(
        match("Eight runs a day, then none", _OTHERS, _SYNCS, day=30),
        no_match("Eight runs a day", _OTHERS, _SYNCS),
        no_match("All data ends with the eight runs a day", _SYNCS, day=35),
        no_match("The first weekend of a token that works on weekdays", _OTHERS, _FIRST, day=5),
        match("Silent for a pause and a half from Tuesday on", _OTHERS, _FIRST, _SECOND, day=19),
        no_match("The third weekend", _OTHERS, _FIRST, _SECOND, _THIRD, day=21),
        no_match(
            "A user on leave", _OTHERS, daily(range(30), "users/ana", "Source Modified"), day=31
        ),
    ),
)
