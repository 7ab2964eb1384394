"""D3: far more changes of one kind in a day than usual for this actor and their peers."""

from trail.core.catalogue import resolve
from trail.core.text import count
from trail.findings import amounts, deeds
from trail.findings.detector import Detector, Facts, daily, events, match, no_match, workdays

# In bits. Real histories have days with 479 edits; uncapped, such days would fill the list.
_MAX = 30
_MAX_MILD = 10
_MAX_ACTIONS = 2  # that a headline names one by one
_MILD = ("modify", "create", "enable", "all")
_TOKEN_RISK = 5
# Weight, in days, of the overall variance against the actor's own; tokens are soon predictable.
_PRIOR_DAYS = 10
_TOKEN_PRIOR_DAYS = 1

_SQL = f"""
with expected as (
 select *, (s + 3 * mu) / (m + 3) as own, (m * case when s = 0 then 0 else
   greatest(0, (q * m - s * s - s * m) / (s::double * s)) end + prior * spread) / (m + prior)
  as cv2
 from (
  select *, case when actor_type = 'token' then {_TOKEN_PRIOR_DAYS} else {_PRIOR_DAYS} end as prior
  from amounts
 ) where day >= (select since from judged) and x >= 3 and m + s > 0
), bits as (
 select * exclude (mu), own as mu, 1 / greatest(cv2, 0.001) as r from expected where x > own
), sized as (select *, {amounts.BITS} as raw_bits from bits)
select day, actor_key,
 least(raw_bits, case when verb in {_MILD} then {_MAX_MILD} else {_MAX} end) as bits,
 (case when actor_type = 'token' then greatest(risk, {_TOKEN_RISK}) else risk end)::double as risk,
 to_json(struct_pack(verb := verb, x := x, expected := round(mu, 2), m := m, s := s,
  most := most, kinds := case when verb <> 'all' then (select list(distinct a.kind order by a.kind)
   from acted a where a.actor_key = s0.actor_key and a.day <= s0.day
   and {amounts.VERB.format("a.kind")} = s0.verb) end)) as facts,
 case when verb = 'all' then null else (select list(distinct a.action order by a.action)
  from acted a where a.day = s0.day and a.actor_key = s0.actor_key
   and {amounts.VERB.format("a.kind")} = s0.verb) end as actions,
 null::timestamp as since, null::timestamp as upto
from sized s0 where raw_bits > 5
"""


def _explain(facts: Facts) -> str:
    kinds, x = facts["kinds"] or (), facts["x"]
    today = kinds and deeds.kinds_of(facts["seen"])
    earlier = deeds.amount(kinds, facts["s"])
    if facts["s"]:
        earlier += f", at most {facts['most']:,} on one day"
    once = ", each resource counted once" if facts["verb"] in amounts.TAKING else ""
    return (
        f"{deeds.amount(today, x).capitalize()} on one UTC day{_parts(facts)}{once}; "
        f"{deeds.expected_text(facts['expected'])} from the actor's "
        f"{count(facts['m'], 'earlier active day')} ({earlier}) and from peers."
    )


def _headline(facts: Facts) -> str:
    verb, x, seen = facts["verb"], facts["x"], _changes(facts)
    counted = "targets" if verb in amounts.TAKING else "n"
    kinds = facts["kinds"] or ()
    # Of several actions the total says more, unless each was done once.
    several = len(seen) > _MAX_ACTIONS and (x > len(seen) or x > deeds.MAX_LISTED)
    if several or sum(one[counted] for one in seen) != x:
        named = deeds.kinds_of(seen) if kinds or _single_kind(facts) else ()
        done = f"{deeds.done(named, x)}{_parts(facts, whole=False)}"
    else:
        done = deeds.deeds(seen)
    most = f"{'at most ' if facts['s'] else ''}{deeds.amount(kinds, facts['most'])}"
    if facts["s"] and _single_kind(facts):
        most += " of any kind"
    days = "any of " + count(facts["m"], "earlier active day")
    if facts["m"] == 1:
        days = "the only earlier active day"
    return f"{done} {deeds.days(seen)}; {most} on {days}"


def _changes(facts: Facts) -> list[deeds.Seen]:
    """Return what was done, without what changed nothing."""
    return [one for one in facts["seen"] if resolve(one["action"]).kind not in amounts.PASSIVE]


def _single_kind(facts: Facts) -> bool:
    """Return whether the changes of any kind were of one kind."""
    seen = _changes(facts)
    counted = sum(one["n"] for one in seen) == facts["x"]
    return facts["verb"] == "all" and counted and len(deeds.kinds_of(seen)) == 1


def _parts(facts: Facts, *, whole: bool = True) -> str:
    """Return of what kinds the changes of any kind were, and what those of one kind were of.

    With *whole* also of changes of any kind that were of one.
    """
    seen = _changes(facts)
    if facts["verb"] != "all" or (not whole and _single_kind(facts)):
        again = "; some more than once" if _repeats(facts, seen) else ""
        return f" ({deeds.objects(seen)}{again})" if seen else ""
    return f" ({deeds.by_kind(seen)})" if sum(one["n"] for one in seen) == facts["x"] else ""


def _repeats(facts: Facts, seen: list[deeds.Seen]) -> bool:
    """Return whether the amount counts a resource more than once, of several resources."""
    several = sum(one["targets"] for one in seen) > 1
    repeated = any(one["n"] > one["targets"] for one in seen)
    return facts["verb"] not in amounts.TAKING and several and repeated


_USUAL = (
    *daily(workdays(0, 40), "users/ana", "Audience Modified", target="audience-1"),
    *daily(workdays(0, 40), "users/ben", "Audience Modified", target="audience-2"),
)

DETECTOR = Detector(
    name="burst",
    title="Burst",
    description="Far more changes of one kind in a day than usual for this actor and their peers.",
    runbook=(
        "Check what the targets have in common: a cleanup, a migration, an export.",
        "Ask for the ticket or announcement; scripts should use a token, not a user account.",
        "For downloads, find out first where the files are stored.",
    ),
    sql=_SQL,
    explain=_explain,
    headline=_headline,
    examples=(
        match(
            "14 audiences downloaded by a user who never downloads",
            _USUAL,
            events(42, "16:20", "users/ana", "Audience CSV Downloaded", "audience", times=14),
        ),
        no_match(
            "Two downloads",
            _USUAL,
            events(42, "16:20", "users/ana", "Audience CSV Downloaded", "audience", times=2),
        ),
    ),
)
