"""Rule: functions see all data that passes through them."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="function-changed",
    title="Function code changed",
    description="The code of a function was changed; it processes all data that passes through it.",
    runbook=("Review the change; look for new addresses and secrets.",),
    points=40,
    actions=("Destination Function Modified", "Source Function Modified"),
    examples=(match("Destination Function Modified"), no_match("Destination Function Created")),
)
