"""D7: risky changes of several things that others look after and this actor never touched."""

from trail.findings.model import Detector, Example, Facts, act, daily, workdays

_FEWEST = 3
_RISK = 4
_SETTLED = 5  # changes that a thing must have had to be somebody's

# Targets are compared by id, since a new name gives a target another key.
_SQL = f"""
with changes as (
 select t.day, t.actor_key, t.n, a.action, coalesce(r.risk, a.risk) as risk,
  g.target_type || chr(31) || coalesce(nullif(g.target_id, ''), g.target_name) as target
 from daily_targets t join actions a using (action_key) join targets g using (target_key)
 left join risks r on r.action = a.action
 semi join actor_days d on d.day = t.day and d.actor_key = t.actor_key
 where t.day <= (select until from judged)
), today as (
 select day, actor_key, target, max(risk) as risk, list(distinct action order by action) as actions
 from changes where risk >= {_RISK} and day >= (select since from judged)
 group by day, actor_key, target
), histories as (
 select target, day, actor_key, sum(n)::bigint as n from changes
 semi join today using (target) group by target, day, actor_key
), before as (
 select t.day, t.actor_key, t.target, t.risk, t.actions, sum(h.n)::bigint as changed,
  count(distinct h.actor_key) as people, bool_or(h.actor_key = t.actor_key) as own
 from today t join histories h on h.target = t.target and h.day < t.day
 group by t.day, t.actor_key, t.target, t.risk, t.actions
)
select b.day, b.actor_key, least(6, 1.5 * log2(1 + count(*))) as bits, max(b.risk)::double as risk,
 to_json(struct_pack(n := count(*), changed := sum(changed)::bigint)) as facts,
 list_sort(list_distinct(flatten(list(actions)))) as actions,
 null::timestamp as since, null::timestamp as upto
from before b join actor_days d on d.day = b.day and d.actor_key = b.actor_key
where not own and changed >= {_SETTLED} and d.m >= 5
group by b.day, b.actor_key having count(*) >= {_FEWEST}
"""


def _words(facts: Facts) -> str:
    return (
        f"risky changes of {facts['n']} things that only others changed before "
        f"({facts['changed']:,} times)"
    )


_OTHERS = tuple(
    event
    for number in range(4)
    for event in daily(workdays(0, 20), "users/ben", "Integrations Modified", target=f"i-{number}")
)
_HABIT = daily(workdays(0, 40), "users/ana", "Integrations Modified", target="own-1")
_FOREIGN = tuple(
    event
    for number in range(4)
    for event in act(42, f"11:0{number}", "users/ana", "Integrations Modified", f"i-{number}")
)

DETECTOR = Detector(
    name="others",
    title="Others' targets",
    sentence="Risky changes of several things that others look after and this actor never touched.",
    check=(
        "Ask those who look after the things whether they know.",
        "See whether a hand-over or a stand-in explains it.",
    ),
    sql=_SQL,
    words=_words,
    examples=(
        Example(
            "four destinations of a colleague, changed in one go",
            True,
            (*_OTHERS, *_HABIT, *_FOREIGN),
            42,
            "users/ana",
        ),
        Example("one's own destination", False, (*_OTHERS, *_HABIT), 39, "users/ana"),
    ),
)
