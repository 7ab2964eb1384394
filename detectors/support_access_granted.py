"""Rule: people outside the company may look in."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="support-access",
    title="Support access granted",
    sentence="Segment's support was given access to the workspace.",
    check=("Find the support ticket; note when the access ends.",),
    points=60,
    query="action=Support+Access+Granted",
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Support Access Granted"),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Support Access Revoked"),
            1,
            "users/ana",
        ),
    ),
)
