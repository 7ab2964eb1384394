"""D2: sequences of changes that are riskier together, scored as if each were one action.

A sequence that is routine in the workspace, such as a test token that creates and deletes all day,
scores nothing, because familiarity is measured per sequence.
"""

from trail.core.catalogue import resolve
from trail.core.text import count
from trail.core.time_labels import at_most_text
from trail.findings import deeds, familiarity, moments, sequences
from trail.findings.detector import Detector, Facts, daily, events, match, no_match, workdays

# Name: risk, title, actions (None for all of the day).
_SEQUENCES: dict[str, tuple[int, str, tuple[str, ...] | None]] = {
    "weaken-then-open": (
        8,
        "Filter or tracking plan changed, disabled or deleted, then a new destination, a download "
        "or an invitation within 24 hours",
        (*sequences.WEAKENING, *sequences.OPENING),
    ),
    "create-then-delete": (
        7, "Destination, warehouse or function created and deleted within 24 hours",
        sequences.EGRESS,
    ),
    "group-twice": (
        7, "Permissions of the same user or user group changed twice within 24 hours",
        sequences.GROUPS,
    ),
    "invite-then-group": (
        6, "User invited, then permissions changed within 24 hours",
        (*sequences.INVITES, *sequences.GROUPS),
    ),
    "newcomer": (8, "Two or more risky changes within 3 days of the first activity", None),
    "toggled": (6, "Same target enabled or disabled four times or more in a day", None),
}  # fmt: skip
_RISKS = {name: str(risk) for name, (risk, _, _) in _SEQUENCES.items()}
_ACTIONS = {
    name: f"[{sequences.names(actions)}]" for name, (*_, actions) in _SEQUENCES.items() if actions
}


# The actions that begin a sequence; the others of it follow.
_OPENS = {
    "weaken-then-open": sequences.WEAKENING,
    "create-then-delete": tuple(name for name in sequences.EGRESS if name.endswith("Created")),
    "invite-then-group": sequences.INVITES,
}
_NEWCOMER_RISK = 5
_SIMILAR = "similar action"
_OTHERS = {"newcomer": "risky action"}
# What the headline calls a sequence whose steps are not said one after the other.
_CALLED = {
    "group-twice": "two changes of one user or user group within 24 hours",
    "toggled": "four such changes of one target in a day",
}


def _case(values: dict[str, str], default: str) -> str:
    branches = " ".join(f"when '{chain}' then {value}" for chain, value in values.items())
    return f"case chain {branches} else {default} end"


# The running count ends on the evaluated day, so later changes do not affect it.
_NEWCOMERS = """
select day, actor_key, 'newcomer' as chain, null::timestamp as since, null::timestamp as upto
from (
 select a.day, a.actor_key, d.first_day, sum(sum(a.n) filter (a.risk >= 5)) over (
   partition by a.actor_key order by a.day) as risky,
  max(a.risk) as risk, (select min(day) from actor_days) as opened
 from acted a join actor_days d using (day, actor_key)
 group by a.day, a.actor_key, d.first_day
) where day - first_day <= 3 and first_day - opened > 7 and risk >= 5 and risky >= 2
"""

_TOGGLED = """
select t.day, t.actor_key, 'toggled' as chain, null::timestamp as since, null::timestamp as upto
from daily_targets t join actions a using (action_key) join actor_days d using (day, actor_key)
where a.kind in ('enable', 'disable') and a.outcome <> 'failure'
group by t.day, t.actor_key, t.target_key having sum(t.n) >= 4
"""

_RELATION = f"""
select distinct on (day, actor_key, chain) day, actor_key, chain as what,
 {_case(_RISKS, "6")} as risk,
 {_case(_ACTIONS, "null")}
  as actions, since, upto
from (
 select day, actor_key, chain, since, upto from daily_chains semi join actor_days
  using (day, actor_key)
 union all ({_NEWCOMERS}) union all ({_TOGGLED})
) order by day, actor_key, chain
"""


def _explain(facts: Facts) -> str:
    own = f"{_SEQUENCES[facts['what']][1]}: {_own(facts, 'such a sequence')}"
    return familiarity.explain(facts, own, "such a sequence occurred")


def _headline(facts: Facts) -> str:
    done = _done(facts["what"], facts["seen"])
    if facts["what"] == "newcomer":
        return f"{done}, within 3 days of the first activity"
    return f"{done}; {_own(facts, _CALLED.get(facts['what'], 'such a sequence'))}"


def _own(facts: Facts, called: str) -> str:
    """Return on how many days the actor had done the sequence, which is *called* so."""
    if not facts["m"]:
        return "this was the actor's first active day"
    if not facts["k"]:
        return f"{called} never occurred in {count(facts['m'], 'earlier active day')}"
    return f"{called} occurred {familiarity.days(facts)}"


def _done(chain: str, seen: list[deeds.Seen]) -> str:
    """Return what was done in the sequence and when: what opened it first."""
    first: list[deeds.Seen] = []
    then: list[deeds.Seen] = []
    for one in seen:
        if chain in _OPENS:
            (first if one["action"] in _OPENS[chain] else then).append(one)
        elif _is_part(chain, one):
            first.append(one)
    if not first or not then:
        return deeds.on_days(first or then or seen, _OTHERS.get(chain, _SIMILAR))
    start, end = deeds.first_at(first), deeds.last_at(then)
    within = at_most_text(deeds.seconds_between(start, end))
    done = deeds.pair(first, then, _SIMILAR)
    return f"{done} within {within} {moments.on(start, end)}"


def _is_part(chain: str, one: deeds.Seen) -> bool:
    if chain == "toggled":
        return resolve(str(one["action"])).kind in ("enable", "disable")
    return chain != "newcomer" or int(one["risk"]) >= _NEWCOMER_RISK


_USUAL = (
    *daily(workdays(0, 40), "users/ben", "Integrations Modified", target="integration-1"),
    *daily(workdays(0, 40), "users/ana", "Integrations Modified", target="integration-2"),
)
_ROUTINE = tuple(
    event
    for day in workdays(0, 40)
    for event in (
        *events(day, "06:00", "tokens/qa", "Integrations Created", f"integration-q{day}"),
        *events(day, "06:05", "tokens/qa", "Integrations Deleted", f"integration-q{day}"),
    )
)

DETECTOR = Detector(
    name="chain",
    title="Risky sequence",
    description="Changes that are harmless alone combine so that data or permissions could leak.",
    runbook=(
        "Read the events in order: what was protected before, and what is exposed now?",
        "Review the new destination, invitation or group: who owns it, where does it send data?",
        "If it is not legitimate, restore the protection first, then remove what was added.",
    ),
    sql=familiarity.sql(_RELATION),
    explain=_explain,
    headline=_headline,
    examples=(
        match(
            "A filter deleted and a destination added 36 minutes later",
            _USUAL,
            events(42, "16:05", "users/ana", "Destination Filters Deleted", "filter-1"),
            events(42, "16:41", "users/ana", "Integrations Created", "integration-9"),
        ),
        no_match(
            "A destination added first and a filter deleted afterwards",
            _USUAL,
            events(42, "16:05", "users/ana", "Integrations Created", "integration-9"),
            events(42, "16:41", "users/ana", "Destination Filters Deleted", "filter-1"),
        ),
        no_match("A test token that creates and deletes every day", _USUAL, _ROUTINE),
    ),
)
