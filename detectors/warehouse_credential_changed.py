"""Rule: a credential gives access to all data of a warehouse."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="warehouse-credential",
    title="Warehouse credential changed",
    description="A warehouse credential was created, changed or deleted.",
    runbook=(
        "Check who requested the credential and what it can read.",
        "After a change, confirm that the next sync succeeds.",
    ),
    points=50,
    actions=(
        "Warehouse Credential Created",
        "Warehouse Credential Modified",
        "Warehouse Credential Deleted",
    ),
    examples=(match("Warehouse Credential Created"), no_match("Warehouses Modified")),
)
