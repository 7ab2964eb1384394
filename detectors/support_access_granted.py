"""Rule: people outside the company gain access."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="support-access",
    title="Support access granted",
    description="Segment support was given access to the workspace.",
    runbook=("Find the support ticket; note when the access ends.",),
    points=60,
    actions=("Support Access Granted",),
    examples=(match("Support Access Granted"), no_match("Support Access Revoked")),
)
