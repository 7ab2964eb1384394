"""D8: a continuously active token stops."""

from trail.findings.detector import Detector, Facts, daily, match, no_match

_MIN_EVENTS = 200
_RISK = 7

# Gaps within a day need no check: 24 hours are always allowed.
_SQL = f"""
with gaps as (
 select actor_key, day, last_at, m + 1 as days,
  sum(n) over (partition by actor_key order by day)::bigint as n,
  lead(first_at) over (partition by actor_key order by day) as next_at,
  greatest(interval 24 hours, 1.5 * max(first_at - before) over (
   partition by actor_key order by day)) as allowed
 from (
  select *, lag(last_at) over (partition by actor_key order by day) as before
  from actor_days where actor_type = 'token'
 )
), silent as (
 select *, last_at + coalesce(allowed, interval 24 hours) as missed_at from gaps
)
select missed_at::date as day, actor_key, log2(1 + n) as bits, {_RISK}::double as risk,
 to_json(struct_pack(n := n, days := days, last_at := strftime(last_at, '%Y-%m-%d %H:%M'),
  allowed_h := round(epoch(coalesce(allowed, interval 24 hours)) / 3600))) as facts,
 null::varchar[] as actions, last_at as since, last_at as upto
from silent
where n >= {_MIN_EVENTS} and (next_at is null or next_at > missed_at)
 and missed_at <= (select at_time from judged)
 and missed_at::date between (select since from judged) and (select until from judged)
"""


def _explain(facts: Facts) -> str:
    return (
        f"no activity since {facts['last_at']} UTC; the longest gap to expect is "
        f"{facts['allowed_h']:g} hours, based on {facts['n']:,} events on {facts['days']} days"
    )


_SYNCS = tuple(
    event
    for hour in range(8)
    for event in daily(
        range(30), "tokens/sync", "Tracking Plan Modified", time=f"{hour * 3:02}:00", target="plan"
    )
)
_OTHERS = daily(range(40), "users/ben", "Source Modified")

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
    examples=(
        match("Eight runs a day, then none", _OTHERS, _SYNCS, day=30),
        no_match("Eight runs a day", _OTHERS, _SYNCS),
        no_match(
            "A user on leave", _OTHERS, daily(range(30), "users/ana", "Source Modified"), day=31
        ),
    ),
)
