"""The `amounts` table: how much an actor does of each verb per day; used by D3 and D4.

One row per day, actor and active verb. `s` and `q` are the sums of x and x² over earlier days,
`most` the largest earlier x, `mu` the expected amount from peers (all actors where peers are few),
`spread` the squared coefficient of over-dispersion of all actors. Sums are integers, so equal
events give equal bits.
"""

# Verbs for which each target counts once: deleting one target twenty times is one deletion.
TAKING = ("delete", "disable", "download", "access")
# Kinds that change nothing; they have no amount.
PASSIVE = ("read", "run")
# The verb of a kind.
VERB = "case {0} when 'disconnect' then 'disable' when 'connect' then 'enable' else {0} end"
_FEW_DAYS = 20

TABLE = f"""
create or replace temp table amounts as
with verbs as (
 select day, actor_key, {VERB.format("kind")} as verb, n, targets, risk
 from acted where kind not in {PASSIVE}
), counted as (
 select day, actor_key, verb,
  sum(case when verb in {TAKING} then targets else n end)::bigint as x, max(risk) as risk
 from verbs group by day, actor_key, verb
 union all
 select day, actor_key, 'all', sum(n)::bigint, max_by(risk, (n, risk))
 from verbs group by day, actor_key
), rows_ as (
 select c.*, d.m, d.grp, d.actor_type, d.first_day,
  coalesce(max(x) over mine, 0) as most, coalesce(sum(x) over mine, 0)::bigint as s,
  coalesce(sum(x * x) over mine, 0)::bigint as q
 from counted c join actor_days d using (day, actor_key)
 window mine as (partition by c.actor_key, c.verb order by c.day
  rows between unbounded preceding and 1 preceding)
), among as (
 select grp, verb, day, (sum(sum(x)) over earlier - sum(x))::bigint as ps
 from rows_ group by grp, verb, day
 window earlier as (partition by grp, verb order by day)
), overall as (
 select verb, day, (sum(sum(x)) over earlier - sum(x))::bigint as gs,
  (sum(sum(x * x)) over earlier - sum(x * x))::bigint as gq
 from rows_ group by verb, day window earlier as (partition by verb order by day)
), rates as (
 select r.*, (o.gs + 0.5) / (e.gdays + 25) as mu_all, o.gs, o.gq, e.gdays, a.ps, g.pdays
 from rows_ r join among a using (grp, verb, day) join overall o using (verb, day)
 join groups g using (grp, day) join everyone e using (day)
)
select day, actor_key, verb, x, risk, m, grp, actor_type, first_day, s, q, most,
 case when pdays < {_FEW_DAYS} then mu_all
  else (ps + 20 * mu_all) / (pdays + 20) end as mu,
 case when gs = 0 then 1 else greatest(0.1, least(10,
  (gq * gdays - gs * gs - gs * gdays) / (gs::double * gs))) end as spread
from rates
"""

# Bits of x or more where mu is expected with shape r: the Chernoff bound of the negative binomial
# tail (docs/detection.md, D3).
BITS = "(x * ln(x / mu) - (x + r) * ln((x + r) / (mu + r))) / ln(2)"
