"""Rule: a token without owner is nobody's to look after."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="token-ownerless",
    title="Tokens without owner",
    sentence="Segment found Public API tokens whose owner is gone.",
    check=("Find out what still uses them; give them an owner or revoke them.",),
    points=60,
    query="action=Public+API+Tokens+Without+Owners+Detected",
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Public API Tokens Without Owners Detected"),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "User Removed"),
            1,
            "users/ana",
        ),
    ),
)
