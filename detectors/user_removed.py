"""Rule: an account that is gone, and tokens that are not."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="user-removed",
    title="User removed",
    sentence="Somebody's account was removed from the workspace.",
    check=("See whether it belongs to a leaver; tokens that they made live on.",),
    points=30,
    query="action=User+Removed",
    examples=(
        Example("it happens", True, act(1, "10:00", "users/ana", "User Removed"), 1, "users/ana"),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "User Added via SSO"),
            1,
            "users/ana",
        ),
    ),
)
