"""Rule: tokens outlive the account of the user who created them."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="user-removed",
    title="User removed",
    description="A user was removed from the workspace.",
    runbook=("Check whether the user left the company; tokens they created stay active.",),
    points=30,
    actions=("User Removed",),
    examples=(match("User Removed"), no_match("User Added via SSO")),
)
