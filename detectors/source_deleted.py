"""Rule: a source that is gone takes its write key with it."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="source-deleted",
    title="Source deleted",
    sentence="A source was deleted; its write key stops working at once.",
    check=(
        "Look for events that were still arriving before.",
        "Find what was fed by the source: audiences, destinations, warehouses.",
    ),
    points=60,
    query="action=Source+Deleted",
    examples=(
        Example("it happens", True, act(1, "10:00", "users/ana", "Source Deleted"), 1, "users/ana"),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Source Modified"),
            1,
            "users/ana",
        ),
    ),
)
