"""Rule: a space contains profiles, audiences and traits."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="space-deleted",
    title="Space deleted",
    description="An Engage space was deleted, including its profiles, audiences and traits.",
    runbook=("Contact the actor immediately; not all of it can be restored.",),
    points=90,
    actions=("Space Deleted",),
    examples=(match("Space Deleted"), no_match("Space Modified")),
)
