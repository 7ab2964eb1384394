"""Rule: data that a filter blocked is delivered once it is removed."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="filter-removed",
    title="Destination filter removed",
    description="A destination filter was deleted or disabled.",
    runbook=(
        "Find out what the filter blocked: missing consent, personal data, test data?",
        "Check which data the destination has received since.",
    ),
    points=70,
    actions=("Destination Filters Deleted", "Destination Filter Disabled"),
    examples=(match("Destination Filters Deleted"), no_match("Destination Filters Created")),
)
