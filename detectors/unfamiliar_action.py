"""D1: an action that is rare or new for the actor, their peers or the whole workspace."""

from trail.core.text import count
from trail.findings import familiarity
from trail.findings.deed_phrases import WORKSPACE, in_general, phrase
from trail.findings.detector import (
    Detector,
    Facts,
    daily,
    events,
    match,
    no_match,
    what_and_when,
    workdays,
)

_SQL = familiarity.sql(
    "select day, actor_key, action as what, risk, [action] as actions, "
    "null::timestamp as since, null::timestamp as upto from acted"
)


def _explain(facts: Facts) -> str:
    own = _own(facts, in_general(facts["what"]))
    return familiarity.explain(facts, f"{own[0].upper()}{own[1:]}", "this was done")


def _headline(facts: Facts) -> str:
    if not facts["m"]:
        return f"{what_and_when(facts)}, the actor's first active day"
    done, words = what_and_when(facts), phrase(facts["what"])
    # There is only one workspace, so what was done is not said again.
    did = "done so" if words and words.noun == WORKSPACE else in_general(facts["what"])
    return f"{done}; {_own(facts, did)}"


def _own(facts: Facts, did: str) -> str:
    """Return on how many days the actor had done it: "had never created a source in 9 …"."""
    if not facts["m"]:
        return f"{did} on the actor's first active day"
    if not facts["k"]:
        return f"had never {did} in {count(facts['m'], 'earlier active day')}"
    return f"had {did} {familiarity.days(facts)}"


_USUAL = (
    *daily(workdays(0, 40), "users/ana", "Source Modified", target="source-1"),
    *daily(workdays(0, 40), "users/ben", "Source Modified", target="source-2"),
    *daily(workdays(0, 40), "users/cyd", "Warehouses Modified", target="warehouse-1"),
)

DETECTOR = Detector(
    name="unfamiliar",
    title="Unfamiliar action",
    description="An action that is rare or new for the actor, their peers or the whole workspace.",
    runbook=(
        "Ask whether the actor's responsibilities changed: a new role, a project, a substitution.",
        "Review the actor's other changes on that day and the history of the target.",
        "If the change is legitimate, mark it as expected so that it counts as familiar.",
    ),
    sql=_SQL,
    explain=_explain,
    headline=_headline,
    examples=(
        match(
            "A warehouse disabled by a user who only edits sources",
            _USUAL,
            events(42, "11:00", "users/ana", "Warehouses Disabled", "warehouse-1"),
        ),
        no_match(
            "Another edit of the same source",
            _USUAL,
            events(42, "11:00", "users/ana", "Source Modified", "source-1"),
        ),
    ),
)
