"""Rule: a destination's settings cannot be brought back."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="destination-deleted",
    title="Destination deleted",
    sentence="A destination was deleted with its settings and mappings.",
    check=("Ask whether the tool behind it was retired.",),
    points=40,
    query="action=Integrations+Deleted",
    examples=(
        Example(
            "it happens", True, act(1, "10:00", "users/ana", "Integrations Deleted"), 1, "users/ana"
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Integrations Modified"),
            1,
            "users/ana",
        ),
    ),
)
