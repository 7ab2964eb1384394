"""D3: much more of one verb in a day than this actor and their peers do."""

from trail.findings import amounts
from trail.findings.model import Detector, Example, Facts, act, daily, workdays

# Real histories have days of 479 edits; uncapped, such days would fill the list.
_MOST = 30
_MOST_MILD = 10
_MILD = ("modify", "create", "enable", "all")
_TOKEN_RISK = 5
# Days that everybody's irregularity weighs against one's own; a token's clock is soon known.
_PRIOR = 10
_TOKEN_PRIOR = 1

_SQL = f"""
with expected as (
 select *, (s + 3 * mu) / (m + 3) as own, (m * case when s = 0 then 0 else
   greatest(0, (q * m - s * s - s * m) / (s::double * s)) end + prior * spread) / (m + prior)
  as cv2
 from (
  select *, case when actor_type = 'token' then {_TOKEN_PRIOR} else {_PRIOR} end as prior
  from amounts
 ) where day >= (select since from judged) and x >= 3 and m + s > 0
), bits as (
 select * exclude (mu), own as mu, 1 / greatest(cv2, 0.001) as r from expected where x > own
), sized as (select *, {amounts.BITS} as raw_bits from bits)
select day, actor_key,
 least(raw_bits, case when verb in {_MILD} then {_MOST_MILD} else {_MOST} end) as bits,
 (case when actor_type = 'token' then greatest(risk, {_TOKEN_RISK}) else risk end)::double as risk,
 to_json(struct_pack(verb := verb, x := x, expected := round(mu, 2), m := m, s := s,
  most := most)) as facts,
 case when verb = 'all' then null else (select list(distinct a.action order by a.action)
  from acted a where a.day = s0.day and a.actor_key = s0.actor_key and (a.kind = s0.verb
   or (a.kind = 'disconnect' and s0.verb = 'disable')
   or (a.kind = 'connect' and s0.verb = 'enable'))) end as actions,
 null::timestamp as since, null::timestamp as upto
from sized s0 where raw_bits > 5
"""

_DID = {
    "delete": "things deleted",
    "disable": "things disabled or disconnected",
    "download": "lists downloaded",
    "access": "targets of access changes",
    "create": "things created",
    "modify": "edits",
    "enable": "things enabled or connected",
    "all": "changes in all",
}


def _words(facts: Facts) -> str:
    did = _DID.get(facts["verb"], facts["verb"])
    return (
        f"{facts['x']:,} {did} in a day; about {facts['expected']:g} expected from "
        f"{facts['m']} active days before ({facts['s']:,} in all, at most {facts['most']:,} a day)"
    )


_HABIT = daily(workdays(0, 40), "users/ana", "Audience Modified", target="audience-1")
_OTHERS = daily(workdays(0, 40), "users/ben", "Audience Modified", target="audience-2")

DETECTOR = Detector(
    name="burst",
    title="Burst",
    sentence="Far more of one kind of change in a day than this actor and their peers make.",
    check=(
        "See whether the targets have something in common: a clean-up, a migration, an export.",
        "Ask for the ticket or the announcement; a script should run as a token, not as a person.",
        "For downloads, find out where the files went before anything else.",
    ),
    sql=_SQL,
    words=_words,
    examples=(
        Example(
            "fourteen audiences downloaded by somebody who downloads none",
            True,
            (
                *_HABIT,
                *_OTHERS,
                *act(42, "16:20", "users/ana", "Audience CSV Downloaded", "audience", times=14),
            ),
            42,
            "users/ana",
        ),
        Example(
            "two downloads are no burst",
            False,
            (
                *_HABIT,
                *_OTHERS,
                *act(42, "16:20", "users/ana", "Audience CSV Downloaded", "audience", times=2),
            ),
            42,
            "users/ana",
        ),
    ),
)
