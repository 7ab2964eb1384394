"""Rule: code that is gone breaks what was connected to it."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="function-deleted",
    title="Function deleted",
    sentence="A source or destination function was deleted.",
    check=("See what was connected to it.",),
    points=40,
    query=("action=Destination+Function+Deleted&action=Source+Function+Deleted"),
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Destination Function Deleted"),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Destination Function Created"),
            1,
            "users/ana",
        ),
    ),
)
