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
  before := before, past_days := past_days, kinds := (select list(distinct a.kind order by a.kind)
   from acted a where a.actor_key = s0.actor_key and a.day <= s0.day
   and {amounts.VERB.format("a.kind")} = s0.verb))) as facts,
 (select list(distinct a.action order by a.action) from acted a where a.actor_key = s0.actor_key
  and a.day between s0.week_start and s0.day and {amounts.VERB.format("a.kind")} = s0.verb
 ) as actions,
 week_start::timestamp as since, null::timestamp as upto
from sized s0 where bits > 5
"""


def _explain(facts: Facts) -> str:
    total = deeds.amount(deeds.kinds_of(facts["seen"]), facts["x"])
    return (
        f"{total.capitalize()} on {facts['days']} days (UTC) of one week, each resource counted "
        f"once a day; {deeds.expected_text(facts['expected'])} from the time before "
        f"({_before(facts)}) and from peers."
    )


def _headline(facts: Facts) -> str:
    seen, x = facts["seen"], facts["x"]
    # A target of several days is counted on each of them.
    exact = sum(one["targets"] for one in seen) == x
    if exact and len(seen) > 1 and x <= deeds.MAX_LISTED:
        done = deeds.deeds(seen)
    else:
        parts = f" ({deeds.things(seen)})" if exact else ""
        done = f"made {deeds.amount(deeds.kinds_of(seen), x)}{parts}"
    return f"{done} within one week, {deeds.days(seen)}; {_before(facts)}"


def _before(facts: Facts) -> str:
    return (
        f"{deeds.amount(facts['kinds'], facts['before'])} in the "
        f"{count(facts['past_days'], 'day')} before that week"
    )


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
