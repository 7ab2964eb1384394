"""Rule: without a plan nothing is checked."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="plan-deleted",
    title="Tracking plan deleted",
    sentence="A tracking plan was deleted; its sources are no longer checked.",
    check=("Find the sources that were connected to it.",),
    points=70,
    query="action=Tracking+Plan+Deleted",
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Tracking Plan Deleted"),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Tracking Plan Created"),
            1,
            "users/ana",
        ),
    ),
)
