"""Rule: people outside the company looked in."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="support-login",
    title="Support login",
    sentence="Somebody of Segment's support signed in to the workspace.",
    check=("Find the ticket, and what was done while they were in.",),
    points=60,
    query="action=Support+Login",
    examples=(
        Example("it happens", True, act(1, "10:00", "users/ana", "Support Login"), 1, "users/ana"),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Support Access Revoked"),
            1,
            "users/ana",
        ),
    ),
)
