"""Other detection methods over the same actor-days, in SQL or by PyOD.

They read the product's daily counts and catalogue, so names and risks are equal for all. The SQL
methods use earlier days only; PyOD is fitted on the whole quarter, including the future, which
favors it.
"""

import datetime as dt
import importlib.util
from dataclasses import dataclass

import numpy as np

from trail.storage.duckdb import Store

OURS = "findings"
_VERBS = ("create", "modify", "delete", "disable", "enable", "download", "access")


@dataclass(frozen=True, slots=True)
class Alert:
    """The score of a method for one actor's UTC day."""

    day: dt.date
    actor: str
    score: int


# The kinds that the product's history excludes are excluded here too.
_DAYS = """
select d.day, p.actor_id, p.actor_type, a.action, a.risk::integer as risk,
 case a.kind when 'disconnect' then 'disable' when 'connect' then 'enable' else a.kind end as verb,
 sum(d.n)::bigint as n, sum(d.targets)::bigint as targets, bit_or(d.hours) as hours
from daily_actions d join actions a using (action_key) join actors p using (actor_key)
where p.actor_type <> 'system' and a.action <> 'Permission Check'
 and a.kind not in ('failure', 'partial', 'enforce', 'detect', 'complete') group by all
"""

# As Elastic's new-terms rules: an action that the actor did not do in 14 days; the riskiest first,
# then the most of them.
_NEW_TERMS = f"""
select day, actor_id, (1000 * max(risk) + least(999, sum(risk)))::bigint as score from (
 select *, lag(day) over (partition by actor_id, action order by day) as before from ({_DAYS})
) where before is null or day - before > 14 group by all"""

# The largest of the verbs' counts against the actor's own earlier active days.
_Z_SCORE = f"""
with active as (
 select actor_id, day, row_number() over (partition by actor_id order by day) - 1 as m
 from ({_DAYS}) group by actor_id, day
), verbs as (
 select actor_id, day, verb, sum(n)::double as n from ({_DAYS}) group by all
 union all select actor_id, day, 'all', sum(n)::double from ({_DAYS}) group by all
), sums as (
 select v.*, a.m, coalesce(sum(n) over mine, 0) as s, coalesce(sum(n * n) over mine, 0) as q
 from verbs v join active a using (actor_id, day)
 window mine as (partition by actor_id, verb order by day
  rows between unbounded preceding and 1 preceding)
)
select actor_id, day, max((1000 * (n - s / m) / (0.5 + sqrt(greatest(q / m - (s / m) ** 2, 0)))
 ))::bigint as score from sums where m >= 5 and n > s / m group by all"""

# As CloudTrail Insights: an action's count today against its mean of the last 28 calendar days,
# as the bits of a Poisson tail; a new action is held against a small rate.
_RATE = f"""
with counts as (select actor_id, day, action, sum(n)::double as n from ({_DAYS}) group by all),
rates as (
 select *, (coalesce(sum(n) over (partition by actor_id, action order by day
   range between interval 28 days preceding and interval 1 day preceding), 0) + 0.5) / 28 as mu
 from counts
)
select actor_id, day, (100 * max((n * ln(n / mu) - n + mu) / ln(2)))::bigint as score
from rates where n > mu group by all"""

# How rare the action is in the whole workspace so far, times its risk.
_RARITY = f"""
with mine as (select actor_id, day, action, max(risk) as risk from ({_DAYS}) group by all),
actions as (
 select day, action, sum(count(*)) over (partition by action order by day) - count(*) as k
 from mine group by day, action
), alls as (
 select day, sum(count(distinct actor_id)) over (order by day) - count(distinct actor_id) as m
 from mine group by day
)
select actor_id, day,
 (100 * max(-log2((k + 0.5) / (m + 1)) * (risk + 0.5) / 10.5))::bigint as score
from mine join actions using (day, action) join alls using (day)
where k < m group by all"""

_SQL = {
    "new terms of 14 days, by risk": _NEW_TERMS,
    "z-score per actor": _Z_SCORE,
    "rate against 28 days": _RATE,
    "rarity, by risk": _RARITY,
}

# What PyOD sees of an actor's day: logarithms of the counts, spread, hours, risks, and each count
# against the actor's own mean.
_FEATURES = f"""
with days as (
 select actor_id, day, actor_type,
  {", ".join(f"ln(1 + sum(n) filter (verb = '{v}'))::double as {v}_n" for v in _VERBS)},
  ln(1 + sum(n))::double as all_n, ln(1 + sum(targets))::double as targets_n,
  count(distinct action)::double as actions_n, max(risk)::double as risk,
  sum(risk * ln(1 + n))::double as risks,
  bit_count(bit_or(hours))::double as hours_n, (isodow(day) >= 6)::integer::double as weekend
 from ({_DAYS}) group by all
)
select actor_id, day, coalesce(columns(* exclude (actor_id, day, actor_type)), 0),
 {
    ", ".join(
        f"coalesce(({c} - avg({c}) over mine) / (0.3 + stddev_pop({c}) over mine), 0) as z_{c}"
        for c in ("all_n", "targets_n", "actions_n", "risk", "risks", "hours_n")
    )
}
from days window mine as (partition by actor_id) order by actor_id, day
"""


def has_pyod() -> bool:
    """Return whether PyOD is installed."""
    return importlib.util.find_spec("pyod") is not None


def alerts(store: Store) -> dict[str, list[Alert]]:
    """Return the alerts of each method by name; PyOD's methods only if it is installed."""
    scored = {
        name: [
            Alert(row["day"], row["actor_id"], row["score"])
            for row in store.table(sql).to_pylist()
            if row["score"] > 0
        ]
        for name, sql in _SQL.items()
    }
    return scored | (_outliers(store) if has_pyod() else {})


def _outliers(store: Store) -> dict[str, list[Alert]]:
    from pyod.models.ecod import ECOD
    from pyod.models.iforest import IForest

    table = store.table(_FEATURES)
    features = np.column_stack([
        np.nan_to_num(np.asarray(table[name].to_pylist(), dtype=float))
        for name in table.column_names[2:]
    ])  # fmt: skip
    who = list(zip(table["day"].to_pylist(), table["actor_id"].to_pylist(), strict=True))
    scored = {}
    for name, model in (
        ("PyOD ECOD", ECOD()),
        ("PyOD IForest", IForest(n_estimators=200, random_state=0)),
    ):
        model.fit(features)
        scores = model.decision_scores_
        whole = (1 + 1e6 * (scores - scores.min()) / (np.ptp(scores) or 1)).astype(int)
        scored[name] = [
            Alert(day, actor, int(score)) for (day, actor), score in zip(who, whole, strict=True)
        ]
    return scored
