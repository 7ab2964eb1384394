"""Rule: a source without a tracking plan can send any data."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="plan-disconnected",
    title="Source disconnected from tracking plan",
    description="A source was disconnected from its tracking plan; unplanned data can pass.",
    runbook=(
        "Ask whether another tracking plan will be connected.",
        "Check which events have arrived since that the plan would have blocked.",
    ),
    points=60,
    actions=("Source Disconnected From Tracking Plan",),
    examples=(
        match("Source Disconnected From Tracking Plan"),
        no_match("Source Connected to Tracking Plan"),
    ),
)
