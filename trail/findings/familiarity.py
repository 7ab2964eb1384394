"""Familiarity: how usual an action (D1) or a sequence of actions (D2) is for an actor.

Backs off from the actor to peers to all actors. With k of m earlier active days, pk of the peers'
pdays and gk of all gdays: q_glob = (gk+0.5)/(gdays+25), q_peer = (pk+20 q_glob)/(pdays+20),
p = (k+5q)/(m+5), where q = q_peer, or q_glob for a new actor (m < 5) or a token. For tokens 0.5
replaces 5: an unusual action of a machine is more surprising (docs/detection.md, D1).
"""

from trail.core.text import count
from trail.findings import peer_groups
from trail.findings.detector import Facts

_MIN_BITS = 3  # items with fewer bits are dropped
_FREE_BITS = 2  # subtracted from the bits of every item
# Weight, in days, of the others' habits against the actor's own; tokens do not adopt habits.
_PRIOR = 5
_TOKEN_PRIOR = 0.5
# Days that activity marked as expected counts for.
EXPECTED_DAYS = 3


def sql(relation: str, condition: str = "true") -> str:
    """Return the SELECT of unfamiliar rows of *relation* on the scored days.

    *relation* has day, actor_key, what, risk, actions, since, upto: one row per day, actor and
    `what`. The result has the columns of an item, with `facts` for `explain`.
    """
    return f"""
with done as (
 select r.*, d.m, d.grp, d.actor_type,
  row_number() over (partition by r.actor_key, r.what order by r.day) - 1 as k,
  d.new_in_group
 from ({relation}) r join actor_days d using (day, actor_key)
), among as (
 select grp, what, day, sum(count(*)) over earlier - count(*) as pk
 from done group by grp, what, day window earlier as (partition by grp, what order by day)
), known as (
 select e.grp, b.what, greatest(e.day, b.day) as day, count(*) as n
 from (select grp, actor_key, min(day) as day from actor_days group by all) e
 join (select what, actor_key, min(day) as day from done group by all) b using (actor_key)
 group by all
), knowing as (
 select grp, what, day, sum(sum(n)) over earlier - sum(n) as doers
 from (select * from known union all select distinct grp, what, day, 0 from done)
 group by grp, what, day window earlier as (partition by grp, what order by day)
), overall as (
 select what, day, sum(count(*)) over (partition by what order by day) - count(*) as gk
 from done group by what, day
), lessons as (
 select d.day, d.actor_key, d.what, {EXPECTED_DAYS} as extra
 from done d join actors p using (actor_key)
 where exists (select 1 from taught t where t.actor_id = p.actor_id and t.action = d.what
  and d.day > t.since and d.day <= t.until)
), numbers as (
 select d.*, coalesce(l.extra, 0) as extra, a.pk,
  (w.doers - (d.k > 0 and not d.new_in_group)::integer)::bigint as doers,
  g.pdays, g.peers - (not d.new_in_group)::integer as peers, o.gk, e.gdays,
  (o.gk + 0.5) / (e.gdays + 25) as q_glob
 from done d join among a using (grp, what, day) join knowing w using (grp, what, day)
 join groups g using (grp, day) join overall o using (what, day) join everyone e using (day)
 left join lessons l using (day, actor_key, what)
 where d.day >= (select since from judged) and {condition}
), odds as (
 select *, least(1, (k + extra + a * q) / (m + a)) as p from (
  select *, case when actor_type = 'token' then {_TOKEN_PRIOR} else {_PRIOR} end as a,
   case when m < 5 or actor_type = 'token' then q_glob
    else (pk + 20 * q_glob) / (pdays + 20) end as q
  from numbers
 )
)
select day, actor_key, greatest(0, -log2(p) - {_FREE_BITS}) as bits, risk::double as risk,
 to_json(struct_pack(what := what, k := k, m := m, doers := doers, peers := peers, grp := grp,
  pk := pk, pdays := pdays, gk := gk, gdays := gdays, extra := extra)) as facts,
 actions, since, upto
from odds where -log2(p) > {_MIN_BITS}"""


def explain(facts: Facts, own: str, happened: str) -> str:
    """Return the sentence of a reason that begins with *own*, with how often the others did it.

    *happened* says what happened on some days: "this was done", "the sequence occurred".
    """
    expected = " (marked as expected)" if facts.get("extra") else ""
    return f"{'; '.join([own + expected, *_others(facts, happened)])}."


def days(facts: Facts) -> str:
    """Return on how many days the actor had done it: "on 2 of 9 earlier active days"."""
    m, k = facts["m"], facts["k"]
    return f"on {k:,} of {count(m, 'earlier active day')}"


def _others(facts: Facts, happened: str) -> list[str]:
    """Return who else had done it: the peers, then everybody, each named with its size."""
    parts = []
    peers, doers, everybody = facts["peers"], facts["doers"], facts["gk"]
    if facts["gdays"] and everybody == facts["k"]:
        return ["nobody else in the workspace had done so"]
    if peers:
        who = peer_groups.others(facts["grp"], peers)
        if peers == 1:
            parts.append(f"the {who} had {'' if doers else 'not '}done so")
        else:
            parts.append(f"{f'{doers:,}' if doers else 'none'} of {who} had done so")
    if not facts["gdays"]:
        return [*parts, "no earlier activity in the workspace"]
    active = count(facts["gdays"], "active day")
    return [
        *parts,
        f"in the whole workspace, {happened} on {everybody:,} of {active}, "
        "each actor's days counted separately",
    ]
