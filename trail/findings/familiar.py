"""How familiar a thing is to an actor, backing off to the peers and then to everybody.

Separate because actions (D1) and chains of actions (D2) are scored by the same formula, that of
docs/detection.md, D1: with k of m earlier active days, pk of the peers' pdays and gk of all
gdays, q_glob = (gk+0.5)/(gdays+25), q_peer = (pk+20 q_glob)/(pdays+20), p = (k+5q)/(m+5) with
q = q_peer, or q_glob for a newcomer (m < 5) or a token. For a token 0.5 stands in place of 5: a
machine that does something new is more of a surprise (bench/DETECTION.md).
"""

from collections.abc import Mapping
from typing import Any

# An item needs this many bits, and these are not counted.
_LEAST_BITS = 3
_FREE_BITS = 2
# Days that the others' habit weighs against one's own. A machine does not pick up what others do.
_PRIOR = 5
_TOKEN_PRIOR = 0.5
# Days that a lesson counts for: what somebody called expected was done before.
LESSON_DAYS = 3


def sql(relation: str, condition: str = "true") -> str:
    """Return the SELECT of what is unfamiliar in *relation*, for days that are judged.

    *relation* has day, actor_key, what, risk, actions, since, upto, one row for each day, actor
    and thing. Gives the columns of an item; `facts` as `words` reads them.
    """
    return f"""
with done as (
 select r.*, d.m, d.grp, d.actor_type,
  row_number() over (partition by r.actor_key, r.what order by r.day) - 1 as k,
  row_number() over (partition by d.grp, r.actor_key, r.what order by r.day) - 1 as k_here,
  d.new_in_group
 from ({relation}) r join actor_days d using (day, actor_key)
), among as (
 select grp, what, day, sum(count(*)) over earlier - count(*) as pk,
  sum(count(*) filter (k_here = 0)) over earlier - count(*) filter (k_here = 0) as doers
 from done group by grp, what, day window earlier as (partition by grp, what order by day)
), overall as (
 select what, day, sum(count(*)) over (partition by what order by day) - count(*) as gk
 from done group by what, day
), lessons as (
 select d.day, d.actor_key, d.what, {LESSON_DAYS} as extra
 from done d join actors p using (actor_key)
 where exists (select 1 from taught t where t.actor_id = p.actor_id and t.action = d.what
  and d.day > t.since and d.day <= t.until)
), numbers as (
 select d.*, coalesce(l.extra, 0) as extra, a.pk, a.doers - (d.k_here > 0)::integer as doers,
  g.pdays, g.peers - (not d.new_in_group)::integer as peers, o.gk, e.gdays,
  (o.gk + 0.5) / (e.gdays + 25) as q_glob
 from done d join among a using (grp, what, day) join groups g using (grp, day)
 join overall o using (what, day) join everyone e using (day)
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
from odds where -log2(p) > {_LEAST_BITS}"""


def words(facts: Mapping[str, Any], name: str) -> str:
    """Return the sentence of an unfamiliar thing called *name*, with its numbers."""
    m, k = facts["m"], facts["k"]
    if not m:
        mine = "first day on which this actor is seen"
    elif not k:
        mine = f"first time in {m + 1} active days"
    else:
        mine = f"on {k} of {m} active days before"
    return f"{name}: {mine}; {_others(facts)}"


def _others(facts: Mapping[str, Any]) -> str:
    peers, doers, grp = facts["peers"], facts["doers"], facts["grp"]
    if peers:
        named = {"token": "other tokens", "unknown": "other unnamed actors"}.get(
            grp, f"peers ({grp})"
        )
        return f"{doers} of {peers} {named} ever did it"
    if not facts["gdays"]:
        return "nothing was seen before"
    return f"seen on {facts['gk']} of {facts['gdays']} earlier days of all actors"
