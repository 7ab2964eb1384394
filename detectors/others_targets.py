"""D7: risky changes to several targets that only other actors changed before."""

from trail.core.text import count, one_line
from trail.findings import deeds
from trail.findings.detector import Detector, Facts, daily, events, match, no_match, workdays

_MIN_TARGETS = 3
_RISK = 4
_MAX_NAME, _MAX_NAMES = 60, 4
_ESTABLISHED = 5  # earlier changes that make a target somebody's responsibility

# Targets are compared by id because a renamed target gets another key.
_SQL = f"""
with risky as (
 select t.day, t.actor_key, t.target_key, a.action, coalesce(r.risk, a.risk) as risk
 from daily_targets t join actions a using (action_key) left join risks r on r.action = a.action
 where t.day between (select since from judged) and (select until from judged)
  and coalesce(r.risk, a.risk) >= {_RISK}
), named as (
 select target_key, target_type, target_name,
  coalesce(nullif(target_id, ''), target_name) as thing from targets
), keys as (
 select target_key, target_type || chr(31) || thing as target,
  replace(target_type, '_', ' ') || ' ' || coalesce(nullif(target_name, ''), thing) as name
 from named
 semi join (select distinct target_type, thing from named semi join risky using (target_key))
  using (target_type, thing)
), today as (
 select day, actor_key, target, max(name) as name, max(risk) as risk,
  list(distinct action order by action) as actions
 from risky join keys using (target_key) semi join actor_days using (day, actor_key)
 group by day, actor_key, target
), histories as (
 select k.target, t.day, t.actor_key, sum(t.n)::bigint as n
 from daily_targets t join keys k using (target_key) semi join actor_days using (day, actor_key)
 where t.day <= (select until from judged) group by k.target, t.day, t.actor_key
), before as (
 select t.day, t.actor_key, t.target, t.name, t.risk, t.actions, sum(h.n)::bigint as changed,
  list(distinct h.actor_key) as people, bool_or(h.actor_key = t.actor_key) as own
 from today t join histories h on h.target = t.target and h.day < t.day
 group by t.day, t.actor_key, t.target, t.name, t.risk, t.actions
)
select b.day, b.actor_key, least(6, 1.5 * log2(1 + count(*))) as bits, max(b.risk)::double as risk,
 to_json(struct_pack(n := count(*), changed := sum(changed)::bigint,
  people := len(list_distinct(flatten(list(people)))),
  names := list(b.name order by b.risk desc, b.name)[:{_MAX_NAMES}])) as facts,
 list_sort(list_distinct(flatten(list(actions)))) as actions,
 null::timestamp as since, null::timestamp as upto
from before b join actor_days d on d.day = b.day and d.actor_key = b.actor_key
where not own and changed >= {_ESTABLISHED} and d.m >= 5
group by b.day, b.actor_key having count(*) >= {_MIN_TARGETS}
"""


def _explain(facts: Facts) -> str:
    return (
        f"Worked for the first time on {_things(facts)}; so far only "
        f"{count(facts['people'], 'other actor')} together had worked on these "
        f"{facts['n']:,} resources ({count(facts['changed'], 'event')} of theirs)."
    )


def _headline(facts: Facts) -> str:
    return (
        f"worked for the first time on {_things(facts)} {deeds.days(facts['seen'])}; so far only "
        f"{count(facts['people'], 'other actor')} together had worked on these "
        f"{facts['n']:,} resources"
    )


def _things(facts: Facts) -> str:
    """Return the names, of more than `_MAX_NAMES` one fewer and the number of the others."""
    number = facts["n"]
    names = [one_line(name, _MAX_NAME) for name in facts["names"]]
    if number > len(names):
        names = names[: _MAX_NAMES - 1]
        names.append(f"{count(number - len(names), 'other resource')}")
    return f"the {deeds.listing(names)}"


_OTHERS = tuple(
    event
    for number in range(4)
    for event in daily(workdays(0, 20), "users/ben", "Integrations Modified", target=f"i-{number}")
)
_OWN = daily(workdays(0, 40), "users/ana", "Integrations Modified", target="own-1")
_FOREIGN = tuple(
    event
    for number in range(4)
    for event in events(42, f"11:0{number}", "users/ana", "Integrations Modified", f"i-{number}")
)

DETECTOR = Detector(
    name="others",
    title="Changes to others' targets",
    description="Risky changes to several targets that only other actors changed before.",
    runbook=(
        "Ask the people who maintain the targets whether they know.",
        "Check whether a handover or a substitution explains it.",
    ),
    sql=_SQL,
    explain=_explain,
    headline=_headline,
    examples=(
        match("Four destinations of a colleague changed", _OTHERS, _OWN, _FOREIGN),
        no_match("The actor's own destination", _OTHERS, _OWN),
    ),
)
