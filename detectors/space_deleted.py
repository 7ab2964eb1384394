"""Rule: a space holds every profile and audience in it."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="space-deleted",
    title="Space deleted",
    sentence="An Engage space was deleted, with its profiles, audiences and traits.",
    check=("Ask at once: not all of this can be brought back.",),
    points=90,
    query="action=Space+Deleted",
    examples=(
        Example("it happens", True, act(1, "10:00", "users/ana", "Space Deleted"), 1, "users/ana"),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Space Modified"),
            1,
            "users/ana",
        ),
    ),
)
