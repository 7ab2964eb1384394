"""Rule: a new person gains access."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="user-invited",
    title="User invited",
    description="A user was invited to the workspace.",
    runbook=("Check the e-mail address: company domain, known agency, or private mailbox?",),
    points=30,
    actions=(
        "User Invite Sent",
        "Non-Segment User Invited to Workspace",
        "New Segment User Invited to Workspace",
    ),
    examples=(match("User Invite Sent"), no_match("User Invite Deleted")),
)
