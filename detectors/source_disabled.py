"""Rule: a source that somebody switched off; Segment's own switch-offs are left out."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="source-disabled",
    title="Source disabled by a person",
    sentence="A person or token, not Segment itself, switched a source off.",
    check=(
        "See whether the source was in use.",
        "Ask for the reason; enabling it again brings back nothing that was missed.",
    ),
    points=50,
    query=("action=Source+Disabled&actor_type=-system"),
    examples=(
        Example(
            "it happens", True, act(1, "10:00", "users/ana", "Source Disabled"), 1, "users/ana"
        ),
        Example(
            "Segment itself does it",
            False,
            act(1, "10:00", "system", "Source Disabled"),
            1,
            "system",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Source Enabled"),
            1,
            "users/ana",
        ),
    ),
)
