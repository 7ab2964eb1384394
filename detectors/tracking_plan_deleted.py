"""Rule: data is not validated without a tracking plan."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="plan-deleted",
    title="Tracking plan deleted",
    description="A tracking plan was deleted; data of its sources is no longer validated.",
    runbook=("Identify the sources that were connected to it.",),
    points=70,
    actions=("Tracking Plan Deleted",),
    examples=(match("Tracking Plan Deleted"), no_match("Tracking Plan Created")),
)
