"""Rule: the settings of a deleted destination cannot be restored."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="destination-deleted",
    title="Destination deleted",
    description="A destination was deleted, including its settings and mappings.",
    runbook=("Confirm that the connected tool was retired.",),
    points=40,
    actions=("Integrations Deleted",),
    examples=(match("Integrations Deleted"), no_match("Integrations Modified")),
)
