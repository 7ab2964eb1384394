"""Rule: raw events can contain personal data."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="raw-data-viewed",
    title="Raw events viewed",
    description="Raw events, which can contain personal data, were viewed in a source's debugger.",
    runbook=("Check whether the actor was debugging this source.",),
    points=30,
    actions=("Source Debugger Raw Viewed",),
    examples=(match("Source Debugger Raw Viewed"), no_match("Source Modified")),
)
