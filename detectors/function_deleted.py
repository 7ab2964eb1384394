"""Rule: deleting a function breaks the connections that use it."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="function-deleted",
    title="Function deleted",
    description="A source or destination function was deleted.",
    runbook=("Check which connections used it.",),
    points=40,
    actions=("Destination Function Deleted", "Source Function Deleted"),
    examples=(match("Destination Function Deleted"), no_match("Destination Function Created")),
)
