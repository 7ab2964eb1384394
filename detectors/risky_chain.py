"""D2: sequences of changes that are riskier together, scored as if each were one action.

A sequence that is routine in the workspace, such as a test token that creates and deletes all day,
scores nothing, because familiarity is measured per sequence.
"""

from trail.findings import familiarity, sequences
from trail.findings.detector import Detector, Facts, daily, events, match, no_match, workdays

# Name: risk, title, actions (None for all of the day).
_SEQUENCES: dict[str, tuple[int, str, tuple[str, ...] | None]] = {
    "weaken-then-open": (
        8, "Filter or tracking plan weakened, then egress or access within 24 hours",
        (*sequences.WEAKENING, *sequences.OPENING),
    ),
    "create-then-delete": (
        7, "Destination, warehouse or function created and deleted within 24 hours",
        sequences.EGRESS,
    ),
    "group-twice": (7, "Same user group changed twice within 24 hours", sequences.GROUPS),
    "invite-then-group": (
        6, "User invited, then permissions changed within 24 hours",
        (*sequences.INVITES, *sequences.GROUPS),
    ),
    "newcomer": (8, "Two or more risky changes within 72 hours of first activity", None),
    "toggled": (6, "Same target enabled and disabled four times or more in a day", None),
}  # fmt: skip
_RISKS = {name: str(risk) for name, (risk, _, _) in _SEQUENCES.items()}
_ACTIONS = {
    name: f"[{sequences.names(actions)}]" for name, (*_, actions) in _SEQUENCES.items() if actions
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
    return familiarity.explain(facts, _SEQUENCES[facts["what"]][1])


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
