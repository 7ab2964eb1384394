"""Rule: rights given to one person directly."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="policy-changed",
    title="Permissions changed",
    sentence="A user's or the workspace's permissions were changed.",
    check=("See whether the rights gained were asked for and approved.",),
    points=50,
    query=("action=Policy+Created&action=Policy+Deleted&action=User+Policy+Updated"),
    examples=(
        Example("it happens", True, act(1, "10:00", "users/ana", "Policy Created"), 1, "users/ana"),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "User Invite Accepted"),
            1,
            "users/ana",
        ),
    ),
)
