"""Rule: people outside the company signed in."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="support-login",
    title="Support login",
    description="A member of Segment support signed in to the workspace.",
    runbook=("Find the support ticket; review what was done during the session.",),
    points=60,
    actions=("Support Login",),
    examples=(match("Support Login"), no_match("Support Access Revoked")),
)
