"""Rule: deletions made by a regulation are permanent."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="regulation-created",
    title="Deletion or suppression requested",
    description="A regulation was created; it permanently deletes or suppresses profiles.",
    runbook=(
        "Match it with the data subject's request.",
        "A regulation on the whole workspace needs a second reviewer.",
    ),
    points=50,
    actions=("Source Regulation Created", "Workspace Regulation Created"),
    examples=(match("Source Regulation Created"), no_match("Regulation Deleted")),
)
