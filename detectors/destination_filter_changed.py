"""Rule: a filter can be weakened without being removed."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="filter-changed",
    title="Destination filter changed",
    description="The conditions of a destination filter were changed; more data may now pass.",
    runbook=("Compare the filter with the data it must block.",),
    points=40,
    actions=("Destination Filters Modified",),
    examples=(match("Destination Filters Modified"), no_match("Destination Filters Created")),
)
