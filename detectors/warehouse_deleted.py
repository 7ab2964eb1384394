"""Rule: a warehouse is gone, and so is what was synced to it from then on."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="warehouse-deleted",
    title="Warehouse deleted",
    sentence="A warehouse or storage destination was deleted, and its syncs with it.",
    check=(
        "Ask who uses the warehouse downstream, and whether they know.",
        "See whether a replacement was created before.",
    ),
    points=80,
    query=(
        "action=Warehouses+Deleted"
        "&action=Storage+Destination+Deleted"
        "&action=Profiles+Sync+Warehouse+Deleted"
    ),
    examples=(
        Example(
            "it happens", True, act(1, "10:00", "users/ana", "Warehouses Deleted"), 1, "users/ana"
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Warehouses Modified"),
            1,
            "users/ana",
        ),
    ),
)
