"""Rule: a destination that is off receives nothing."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="destination-disabled",
    title="Destination disabled",
    sentence="A destination was switched off and receives nothing.",
    check=("Ask the tool's owners whether they know.",),
    points=40,
    query="action=Integrations+Disabled",
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Integrations Disabled"),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Integrations Enabled"),
            1,
            "users/ana",
        ),
    ),
)
