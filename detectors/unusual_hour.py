"""D5: a risky change at an hour, or on a weekend day, on which this actor is not usually active.

Hours are UTC and compared around the clock, an hour either side, so that there is no edge at
midnight and nobody's zone has to be known.
"""

from trail.findings.model import Detector, Example, Facts, act, daily, workdays

_RISK = 4

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
 where d.m >= 8
), weekend_days as (
 select day, actor_key, m, first_day, isodow(day) >= 6 as is_weekend,
  count(*) filter (isodow(day) >= 6) over (partition by actor_key order by day
   rows between unbounded preceding and 1 preceding) as k,
  2 * (date_diff('day', first_day, day) // 7) as w
 from actor_days
), items as (
 (select day, actor_key, -log2(p) - 3.5 as raw_bits, n, risk, actions, m, 'hour' as what, h, k,
   m as of_days
  from by_hour
  qualify row_number() over (partition by day, actor_key order by p, h) = 1)
 union all
 select r.day, r.actor_key, -log2((w.k + 0.2) / (w.w + 4)) - 2.5, r.n, r.risk, r.actions, w.m,
  'weekend', null, w.k, w.w
 from risky r join weekend_days w using (day, actor_key) where w.is_weekend and w.w >= 3
)
select day, actor_key, least(raw_bits, 12) * least(1.6, 0.5 * log2(1 + n)) as bits,
 risk::double as risk,
 to_json(struct_pack(what := what, h := h, k := k, of_days := of_days, n := n,
  weekday := dayname(day))) as facts,
 actions, case when what = 'hour' then day + h * interval 1 hour end as since,
 case when what = 'hour' then day + h * interval 1 hour + interval 3599999999 microseconds
  end as upto
from items where raw_bits > 0
"""


def _words(facts: Facts) -> str:
    changes = "1 risky change" if facts["n"] == 1 else f"{facts['n']:,} risky changes on the day"
    if facts["what"] == "weekend":
        return (
            f"{changes} on a {facts['weekday']}; active on {facts['k']} of "
            f"{facts['of_days']} weekend days before"
        )
    hour = facts["h"]
    return (
        f"{changes}, at {hour:02}–{(hour + 1) % 24:02} UTC; active within an hour of that on "
        f"{facts['k']} of {facts['of_days']} active days before"
    )


_HABIT = daily(workdays(0, 45), "users/ana", "Integrations Modified", target="integration-1")
_OTHERS = daily(workdays(0, 45), "users/ben", "Integrations Modified", target="integration-2")
_NIGHT = act(44, "02:10", "users/ana", "Integrations Modified", "integration-1")
_SATURDAY = act(47, "10:00", "users/ana", "Integrations Modified", "integration-1", times=3)

DETECTOR = Detector(
    name="hours",
    title="Unusual hour",
    sentence="A risky change at an hour or on a weekend day on which this actor is not active.",
    check=(
        "Ask the actor whether it was them; a stolen session works at the thief's hours.",
        "See whether they were on call, travelling, or ahead of a release.",
        "If it was not them, end their sessions and tokens in Segment first.",
    ),
    sql=_SQL,
    words=_words,
    examples=(
        Example(
            "somebody who works at ten in the morning, at two in the night",
            True,
            (*_HABIT, *_OTHERS, *_NIGHT),
            44,
            "users/ana",
        ),
        Example(
            "somebody who never works on Saturdays, on a Saturday",
            True,
            (*_HABIT, *_OTHERS, *_SATURDAY),
            47,
            "users/ana",
        ),
        Example("at the usual hour", False, (*_HABIT, *_OTHERS), 44, "users/ana"),
    ),
)
