"""Rule: code that sees the data passing through."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="function-changed",
    title="Function code changed",
    sentence="The code of a function was changed; it sees all data that passes through.",
    check=("Read the change; look for new addresses and secrets.",),
    points=40,
    query=("action=Destination+Function+Modified&action=Source+Function+Modified"),
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Destination Function Modified"),
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
