"""Rule: personal data left the workspace as a file."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="audience-downloaded",
    title="Audience downloaded",
    description="An audience was downloaded as a CSV file.",
    runbook=(
        "Ask what the file is for and where it is stored.",
        "Verify that consent covers this purpose.",
    ),
    points=60,
    actions=("Audience CSV Downloaded",),
    examples=(match("Audience CSV Downloaded"), no_match("Audience Modified")),
)
