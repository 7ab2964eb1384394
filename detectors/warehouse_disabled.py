"""Rule: a warehouse that is off loses data quietly."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="warehouse-disabled",
    title="Warehouse disabled",
    sentence="A warehouse no longer receives data; the gap cannot always be filled later.",
    check=(
        "See whether maintenance was announced.",
        "Note when it is enabled again, and ask for a backfill.",
    ),
    points=60,
    query=(
        "action=Warehouses+Disabled"
        "&action=Storage+Destination+Disabled"
        "&action=Profiles+Sync+Warehouse+Disabled"
    ),
    examples=(
        Example(
            "it happens", True, act(1, "10:00", "users/ana", "Warehouses Disabled"), 1, "users/ana"
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Warehouses Enabled"),
            1,
            "users/ana",
        ),
    ),
)
