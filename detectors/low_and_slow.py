"""D4: small daily amounts that add up to many in a week."""

from trail.core.text import count
from trail.findings import amounts, deeds
from trail.findings.detector import Detector, Facts, daily, events, match, no_match, workdays

_SQL = f"""
with weeks as (
 select *, sum(x) over week as week_x, count(*) over week as days,
  min(day) over week as week_start
 from amounts where verb in {amounts.TAKING}
 window week as (partition by actor_key, verb order by day
  range between interval 6 days preceding and current row)
), rates as (
 select * exclude (x, mu), week_x::double as x, s - (week_x - x) as before,
  greatest(0, date_diff('day', first_day, day) - 6) as past_days, 0.4 * mu as rate
 from weeks where day >= (select since from judged) and days >= 3
  and date_diff('day', (select min(day) from actor_days), day) >= 14
), bits as (
 select *, (before + 14 * rate) * 7 / (past_days + 14) as mu, greatest(3 / spread, 0.6) as r
 from rates
), sized as (select *, 0.8 * {amounts.BITS} as bits from bits where x > mu and x >= 3)
select day, actor_key, least(bits, 30) as bits, risk::double as risk,
 to_json(struct_pack(verb := verb, x := x::bigint, days := days, expected := round(mu, 2),
  before := before, past_days := past_days)) as facts,
 (select list(distinct a.action order by a.action) from acted a where a.actor_key = s0.actor_key
  and a.day between s0.week_start and s0.day and (a.kind = s0.verb
   or (a.kind = 'disconnect' and s0.verb = 'disable'))) as actions,
 week_start::timestamp as since, null::timestamp as upto
from sized s0 where bits > 5
"""


def _explain(facts: Facts) -> str:
    return (
        f"{_amount(facts).capitalize()} on {facts['days']} of the last 7 days, each target counted "
        f"once a day, {deeds.expected_text(facts['expected'])}: {_before(facts)}."
    )


def _headline(facts: Facts) -> str:
    seen = facts["seen"]
    what = deeds.nouns(seen)
    return (
        f"made {_amount(facts)} ({what}) on {facts['days']} days "
        f"{deeds.days(seen)}; before, {_before(facts)}"
    )


def _amount(facts: Facts) -> str:
    return deeds.amount(facts["verb"], facts["x"])


def _before(facts: Facts) -> str:
    number = f"{facts['before']:,}" if facts["before"] else "none"
    return f"{number} in {count(facts['past_days'], 'day')}"


_USUAL = (
    *daily(workdays(0, 45), "users/ana", "Audience Modified", target="audience-1"),
    *daily(workdays(0, 45), "users/ben", "Audience Modified", target="audience-2"),
)
_DELETIONS = tuple(
    event
    for day in (42, 43, 44, 45)
    for event in events(day, "15:00", "users/ana", "Audience Deleted", f"audience-{day}", times=2)
)

DETECTOR = Detector(
    name="slow",
    title="Low and slow",
    description="A few deletions, deactivations or downloads a day that add up to many in a week.",
    runbook=(
        "Review the targets of the whole week together: do they belong to one cleanup project?",
        "Compare with the actor's assigned work; ask who knows about it.",
        "If it continues, suspend the permission while you investigate.",
    ),
    sql=_SQL,
    explain=_explain,
    headline=_headline,
    examples=(
        match("Two audiences deleted per day by a user who never deletes", _USUAL, _DELETIONS),
        no_match(
            "Two audiences deleted once",
            _USUAL,
            events(45, "15:00", "users/ana", "Audience Deleted", "a", times=2),
        ),
    ),
)
