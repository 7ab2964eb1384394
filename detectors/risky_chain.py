"""D2: changes that mean more in a row, scored as if they were one action.

A workspace in which a chain is routine, such as a test token that creates and deletes all day,
silences it, since a chain is as familiar as it is usual.
"""

from trail.findings import familiar, sequences
from trail.findings.model import Detector, Example, Facts, act, daily, workdays

_NAMES = {
    "weaken-then-open": "a filter or tracking plan weakened, then a way out opened within 24 hours",
    "create-then-delete": "a way out created and deleted within 24 hours",
    "group-twice": "the same group changed twice within 24 hours",
    "invite-then-group": "somebody invited, then rights changed within 24 hours",
    "newcomer": "two or more risky changes within 72 hours of first being seen",
    "toggled": "one thing switched on and off four times or more in a day",
}
_RISK = {
    "weaken-then-open": 8,
    "create-then-delete": 7,
    "group-twice": 7,
    "invite-then-group": 6,
    "newcomer": 8,
    "toggled": 6,
}
_ACTIONS = {
    "weaken-then-open": (*sequences.WEAKENING, *sequences.OPENING),
    "create-then-delete": sequences.EGRESS,
    "group-twice": sequences.GROUPS,
    "invite-then-group": (*sequences.INVITES, *sequences.GROUPS),
}


def _cases(answers: dict[str, str], otherwise: str) -> str:
    cases = " ".join(f"when '{chain}' then {answer}" for chain, answer in answers.items())
    return f"case chain {cases} else {otherwise} end"


# The count of risky changes ends with the day itself, and so sees nothing that came later.
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
 {_cases({chain: str(risk) for chain, risk in _RISK.items()}, "6")} as risk,
 {_cases({chain: f"[{sequences.names(each)}]" for chain, each in _ACTIONS.items()}, "null")}
  as actions, since, upto
from (
 select day, actor_key, chain, since, upto from daily_chains semi join actor_days
  using (day, actor_key)
 union all ({_NEWCOMERS}) union all ({_TOGGLED})
) order by day, actor_key, chain
"""


def _words(facts: Facts) -> str:
    name = _NAMES[facts["what"]]
    return familiar.words(facts, name[0].upper() + name[1:])


_OTHERS = (
    *daily(workdays(0, 40), "users/ben", "Integrations Modified", target="integration-1"),
    *daily(workdays(0, 40), "users/ana", "Integrations Modified", target="integration-2"),
)
_ROUTINE = tuple(
    event
    for day in workdays(0, 41)
    for event in (
        *act(day, "06:00", "tokens/qa", "Integrations Created", f"integration-q{day}"),
        *act(day, "06:05", "tokens/qa", "Integrations Deleted", f"integration-q{day}"),
    )
)

DETECTOR = Detector(
    name="chain",
    title="Risky chain",
    sentence="Changes that are harmless alone follow each other so that data or rights could leak.",
    check=(
        "Read the events in order: what was protected before, and what can get out now?",
        "Look at the new destination, invite or group: who owns it, and where does it send to?",
        "If it is wrong, put the protection back first, then remove what was opened.",
    ),
    sql=familiar.sql(_RELATION),
    words=_words,
    examples=(
        Example(
            "a filter is deleted and a destination added 36 minutes later",
            True,
            (
                *_OTHERS,
                *act(42, "16:05", "users/ana", "Destination Filters Deleted", "filter-1"),
                *act(42, "16:41", "users/ana", "Integrations Created", "integration-9"),
            ),
            42,
            "users/ana",
        ),
        Example(
            "a destination added first, a filter deleted after it",
            False,
            (
                *_OTHERS,
                *act(42, "16:05", "users/ana", "Integrations Created", "integration-9"),
                *act(42, "16:41", "users/ana", "Destination Filters Deleted", "filter-1"),
            ),
            42,
            "users/ana",
        ),
        Example(
            "a test token that creates and deletes destinations every day",
            False,
            (*_OTHERS, *_ROUTINE),
            39,
            "tokens/qa",
        ),
    ),
)
