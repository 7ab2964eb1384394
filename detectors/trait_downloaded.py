"""Rule: people's traits left the workspace as a file."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="trait-downloaded",
    title="Computed trait downloaded",
    sentence="Somebody downloaded a computed trait as a CSV file.",
    check=("Ask what the file is for, and where it is now.",),
    points=50,
    query="action=Computed+Trait+CSV+Downloaded",
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Computed Trait CSV Downloaded"),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Computed Trait Modified"),
            1,
            "users/ana",
        ),
    ),
)
