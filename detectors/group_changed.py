"""Rule: group members inherit the group's permissions."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="group-changed",
    title="User group changed",
    description="The permissions or members of a user group were changed.",
    runbook=(
        "Compare the group's permissions with what its members need.",
        "Check who was added, and by whom.",
    ),
    points=50,
    actions=(
        "User Group Created",
        "User Group Updated",
        "User Group Deleted",
        "Subjects Added to Group",
        "User Added To User Group",
        "User Group Policy Updated",
    ),
    examples=(match("User Group Created"), no_match("User Invite Accepted")),
)
