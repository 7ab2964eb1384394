"""Rule: a new person gets in."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="user-invited",
    title="User invited",
    sentence="Somebody was invited to the workspace.",
    check=("Check the address: one's own domain, a known agency, or a private mailbox?",),
    points=30,
    query=(
        "action=User+Invite+Sent"
        "&action=Non-Segment+User+Invited+to+Workspace"
        "&action=New+Segment+User+Invited+to+Workspace"
    ),
    examples=(
        Example(
            "it happens", True, act(1, "10:00", "users/ana", "User Invite Sent"), 1, "users/ana"
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "User Invite Deleted"),
            1,
            "users/ana",
        ),
    ),
)
