"""Rule: deleting a source revokes its write key."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="source-deleted",
    title="Source deleted",
    description="A source was deleted; its write key stopped working immediately.",
    runbook=(
        "Check whether events were still arriving.",
        "Identify what the source fed: audiences, destinations, warehouses.",
    ),
    points=60,
    actions=("Source Deleted",),
    examples=(match("Source Deleted"), no_match("Source Modified")),
)
