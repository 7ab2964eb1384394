"""Rule: personal data left the workspace as a file."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="trait-downloaded",
    title="Computed trait downloaded",
    description="A computed trait was downloaded as a CSV file.",
    runbook=("Ask what the file is for and where it is stored.",),
    points=50,
    actions=("Computed Trait CSV Downloaded",),
    examples=(match("Computed Trait CSV Downloaded"), no_match("Computed Trait Modified")),
)
