"""Rule: a source without its plan sends whatever it likes."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="plan-disconnected",
    title="Source taken off its tracking plan",
    sentence="A source left its tracking plan; unplanned data is no longer blocked.",
    check=(
        "Ask whether another plan follows.",
        "See which events have come since that the plan would have blocked.",
    ),
    points=60,
    query="action=Source+Disconnected+From+Tracking+Plan",
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Source Disconnected From Tracking Plan"),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Source Connected to Tracking Plan"),
            1,
            "users/ana",
        ),
    ),
)
