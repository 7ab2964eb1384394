"""Rule: a user or token disabled a source; Segment's own actions are excluded."""

from trail.findings.detector import Rule, events, match, no_match

DETECTOR = Rule(
    name="source-disabled",
    title="Source disabled by a user or token",
    description="A user or token, not Segment itself, disabled a source.",
    runbook=(
        "Check whether the source was in use.",
        "Ask for the reason; enabling the source does not recover missed events.",
    ),
    points=50,
    actions=("Source Disabled",),
    condition="actor_type=-system",
    examples=(
        match("Source Disabled"),
        no_match("Source Enabled"),
        no_match("Disabled by Segment itself", events(1, "10:00", "system", "Source Disabled")),
    ),
)
