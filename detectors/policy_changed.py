"""Rule: permissions are granted outside of groups."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="policy-changed",
    title="Permissions changed",
    description="The permissions of a user or of the workspace were changed.",
    runbook=("Check that the new permissions were requested and approved.",),
    points=50,
    actions=("Policy Created", "Policy Deleted", "User Policy Updated"),
    examples=(match("Policy Created"), no_match("User Invite Accepted")),
)
