"""D8: a token that used to act all the time falls silent."""

from trail.findings.model import Detector, Example, Facts, daily

_FEWEST = 200
_RISK = 7

# Gaps within a day are shorter than the 24 hours that are always allowed.
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
where n >= {_FEWEST} and (next_at is null or next_at > missed_at)
 and missed_at <= (select at_time from judged)
 and missed_at::date between (select since from judged) and (select until from judged)
"""


def _words(facts: Facts) -> str:
    return (
        f"silent since {facts['last_at']} UTC, longer than ever: {facts['allowed_h']:g} hours are "
        f"the most to expect after {facts['n']:,} events on {facts['days']} days"
    )


_STEADY = tuple(
    event
    for hour in range(8)
    for event in daily(
        range(30), "tokens/sync", "Tracking Plan Modified", time=f"{hour * 3:02}:00", target="plan"
    )
)
_LATER = daily(range(40), "users/ben", "Source Modified")

DETECTOR = Detector(
    name="silence",
    title="Token silent",
    sentence="A token that acted all the time has stopped; something may be broken or cut off.",
    check=(
        "Ask the owner of the integration whether it was retired.",
        "If not, see whether the token was revoked or ran out, and what now goes unrecorded.",
    ),
    sql=_SQL,
    words=_words,
    examples=(
        Example("eight runs a day, then none", True, (*_STEADY, *_LATER), 30, "tokens/sync"),
        Example("eight runs a day", False, (*_STEADY, *_LATER), 29, "tokens/sync"),
        Example(
            "a person on leave is no token",
            False,
            (*daily(range(30), "users/ana", "Source Modified"), *_LATER),
            31,
            "users/ana",
        ),
    ),
)
