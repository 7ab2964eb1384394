"""D5: a risky change at an hour or on a weekend day when the actor is not usually active.

UTC hours are compared on a 24-hour circle, one hour either side: no edge at midnight, and no need
to know the actor's time zone.
"""

from trail.core.text import count
from trail.findings import deeds, moments
from trail.findings.detector import (
    RHYTHM_DAYS,
    Detector,
    Facts,
    daily,
    events,
    match,
    no_match,
    workdays,
)

_RISK = 4
_OTHERS = "risky action"


def weekend_days_before(day: str) -> str:
    """Return the SQL number of Saturdays and Sundays before *day*, since a Monday."""
    days = f"date_diff('day', date '1970-01-05', {day})"
    return f"(2 * ({days} // 7) + greatest(0, {days} % 7 - 5))"


_SQL = f"""
with clock as (select unnest(range(24))::integer as h), near as (
 select h, (1 << h) | (1 << ((h + 1) % 24)) | (1 << ((h + 23) % 24)) as mask from clock
), seen as (
 select d.day, d.actor_key, d.grp, n.h,
  row_number() over (partition by d.actor_key, n.h order by d.day) - 1 as k
 from actor_days d join near n on d.hours & n.mask <> 0
), among as (
 select grp, h, day, sum(count(*)) over (partition by grp, h order by day) - count(*) as pk
 from seen group by grp, h, day
), risky as (
 select day, actor_key, bit_or(hours) as hours, sum(n)::bigint as n, max(risk) as risk,
  list(distinct action order by action) as actions
 from acted where risk >= {_RISK} and day >= (select since from judged) group by day, actor_key
), by_hour as (
 select r.day, r.actor_key, r.n, r.risk, r.actions, d.m, s.h, s.k,
  (s.k + 5 * (a.pk + 1) / (g.pdays + 10)) / (d.m + 5) as p
 from risky r join actor_days d using (day, actor_key)
 join seen s on s.day = r.day and s.actor_key = r.actor_key and r.hours & (1 << s.h) <> 0
 join among a on a.grp = d.grp and a.h = s.h and a.day = r.day
 join groups g on g.grp = d.grp and g.day = r.day
 where d.m >= 8 and date_diff('day', d.first_day, r.day) >= {RHYTHM_DAYS}
), weekend_days as (
 select day, actor_key, m, first_day, isodow(day) >= 6 as is_weekend,
  count(*) filter (isodow(day) >= 6) over (partition by actor_key order by day
   rows between unbounded preceding and 1 preceding) as k,
  {weekend_days_before("day")} - {weekend_days_before("first_day")} as w,
  min(first_at) over (partition by actor_key order by day) as began_at
 from actor_days
), items as (
 (select day, actor_key, -log2(p) - 3.5 as raw_bits, n, risk, actions, m, 'hour' as what, h, k,
   m as of_days, null::timestamp as began_at
  from by_hour
  qualify row_number() over (partition by day, actor_key order by p, h) = 1)
 union all
 select r.day, r.actor_key, -log2((w.k + 0.2) / (w.w + 4)) - 2.5, r.n, r.risk, r.actions, w.m,
  'weekend', null, w.k, w.w, w.began_at
 from risky r join weekend_days w using (day, actor_key)
 where w.is_weekend and date_diff('day', w.first_day, r.day) >= {RHYTHM_DAYS}
)
select day, actor_key, least(raw_bits, 12) * least(1.6, 0.5 * log2(1 + n)) as bits,
 risk::double as risk,
 to_json(struct_pack(what := what, h := h, k := k, of_days := of_days, n := n,
  weekday := dayname(day), began_at := strftime(began_at, '%Y-%m-%dT%H:%M:%S'))) as facts,
 actions, case when what = 'hour' then day + h * interval 1 hour end as since,
 case when what = 'hour' then day + h * interval 1 hour + interval 3599999999 microseconds
  end as upto
from items where raw_bits > 0
"""


def _explain(facts: Facts) -> str:
    changes, k = count(facts["n"], "risky action"), facts["k"] or "none"
    if facts["what"] == "weekend":
        return (
            f"{changes} on a {facts['weekday']} (UTC day); active on {k} of "
            f"{count(facts['of_days'], 'earlier weekend day')} {moments.since(facts['began_at'])}, "
            "the first activity."
        )
    seen = facts["seen"]
    then = sum(one["n"] for one in seen)
    some = f"{then:,} of the day's {changes}, {_when(facts)}"
    all_ = f"{changes} {_when(facts)}"
    return (
        f"{some if then < facts['n'] else all_}; active in that "
        f"hour, the one before or the one after on {k} of "
        f"{count(facts['of_days'], 'earlier active day')}."
    )


def _headline(facts: Facts) -> str:
    seen, k = facts["seen"], facts["k"] or "none"
    if facts["what"] == "weekend":
        before = count(facts["of_days"], "earlier weekend day")
        return f"{deeds.on_days(seen, _OTHERS)}; active on {k} of {before} (UTC)"
    before = count(facts["of_days"], "earlier active day")
    return (
        f"{deeds.deeds(seen, _OTHERS)} {_when(facts)}; active around that hour on {k} of {before}"
    )


def _when(facts: Facts) -> str:
    seen = facts["seen"]
    return moments.at(deeds.first_at(seen), deeds.last_at(seen)) if seen else "at that hour"


_USUAL = (
    *daily(workdays(0, 45), "users/ana", "Integrations Modified", target="integration-1"),
    *daily(workdays(0, 45), "users/ben", "Integrations Modified", target="integration-2"),
)

DETECTOR = Detector(
    name="hours",
    title="Unusual hour",
    description="A risky change at an hour or on a weekend day when the actor is usually inactive.",
    runbook=(
        "Ask the actor whether they made the change; a stolen session is often used at odd hours.",
        "Check whether they were on call, traveling, or preparing a release.",
        "If they did not make it, end their sessions and revoke their tokens in Segment first.",
    ),
    sql=_SQL,
    explain=_explain,
    headline=_headline,
    examples=(
        match(
            "A user who works at 10:00, at 02:10",
            _USUAL,
            events(44, "02:10", "users/ana", "Integrations Modified", "integration-1"),
        ),
        match(
            "A user who never works on Saturdays, on a Saturday",
            _USUAL,
            events(47, "10:00", "users/ana", "Integrations Modified", "integration-1", times=3),
        ),
        no_match("At the usual hour", _USUAL, day=44, actor="users/ana"),
    ),
)
