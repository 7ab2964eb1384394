"""Rule: a disabled warehouse misses data silently."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="warehouse-disabled",
    title="Warehouse disabled",
    description="A warehouse no longer receives data; the gap cannot always be backfilled.",
    runbook=(
        "Check whether maintenance was announced.",
        "Note when it is enabled again, and request a backfill.",
    ),
    points=60,
    actions=(
        "Warehouses Disabled",
        "Storage Destination Disabled",
        "Profiles Sync Warehouse Disabled",
    ),
    examples=(match("Warehouses Disabled"), no_match("Warehouses Enabled")),
)
