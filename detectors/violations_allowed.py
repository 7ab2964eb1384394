"""Rule: data that violates the tracking plan is delivered."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="violations-allowed",
    title="Tracking plan violations allowed",
    description="A source now accepts traits that violate its tracking plan.",
    runbook=("Ask who approved the change; compare it with the tracking plan.",),
    points=50,
    actions=(
        "Schema Default Edited To Allow Group Traits On Violation",
        "Schema Default Edited To Allow Identify Traits On Violation",
    ),
    examples=(
        match("Schema Default Edited To Allow Group Traits On Violation"),
        no_match("Schema Default Edited To Block New Events"),
    ),
)
