"""Rule: deleting a warehouse ends its syncs."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="warehouse-deleted",
    title="Warehouse deleted",
    description="A warehouse or storage destination was deleted; its syncs have stopped.",
    runbook=(
        "Ask who uses the warehouse downstream and whether they know.",
        "Check whether a replacement was created first.",
    ),
    points=80,
    actions=(
        "Warehouses Deleted",
        "Storage Destination Deleted",
        "Profiles Sync Warehouse Deleted",
    ),
    examples=(match("Warehouses Deleted"), no_match("Warehouses Modified")),
)
