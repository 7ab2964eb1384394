"""D1: an action that this actor, their peers or the workspace rarely or never do."""

from trail.findings import familiar
from trail.findings.model import Detector, Example, Facts, act, daily, workdays

_SQL = familiar.sql(
    "select day, actor_key, action as what, risk, [action] as actions, "
    "null::timestamp as since, null::timestamp as upto from acted"
)


def _words(facts: Facts) -> str:
    return familiar.words(facts, facts["what"])


_OTHERS = (
    *daily(workdays(0, 40), "users/ben", "Source Modified", target="source-2"),
    *daily(workdays(0, 40), "users/cyd", "Warehouses Modified", target="warehouse-1"),
)
_HABIT = daily(workdays(0, 40), "users/ana", "Source Modified", target="source-1")

DETECTOR = Detector(
    name="unfamiliar",
    title="Unfamiliar action",
    sentence="Somebody does what they, their peers or the whole workspace rarely or never do.",
    check=(
        "Ask whether the actor's work has changed: a new role, a project, a stand-in.",
        "Look at what else the same actor did that day, and at the target's history.",
        "If it is new and right, decide Expected, so that it counts as familiar.",
    ),
    sql=_SQL,
    words=_words,
    examples=(
        Example(
            "a warehouse disabled by somebody who only ever edits sources",
            True,
            (
                *_OTHERS,
                *_HABIT,
                *act(42, "11:00", "users/ana", "Warehouses Disabled", "warehouse-1"),
            ),
            42,
            "users/ana",
        ),
        Example(
            "one more edit of the daily source",
            False,
            (*_OTHERS, *_HABIT, *act(42, "11:00", "users/ana", "Source Modified", "source-1")),
            42,
            "users/ana",
        ),
    ),
)
