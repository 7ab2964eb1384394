"""Rule: a disabled destination receives no data."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="destination-disabled",
    title="Destination disabled",
    description="A destination was disabled and no longer receives data.",
    runbook=("Confirm that the owners of the connected tool know.",),
    points=40,
    actions=("Integrations Disabled",),
    examples=(match("Integrations Disabled"), no_match("Integrations Enabled")),
)
