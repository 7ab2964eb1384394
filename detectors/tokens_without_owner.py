"""Rule: nobody is responsible for a token without an owner."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="token-ownerless",
    title="Tokens without owner",
    description="Segment detected Public API tokens whose owner was removed.",
    runbook=("Find out what still uses the tokens; assign an owner or revoke them.",),
    points=60,
    actions=("Public API Tokens Without Owners Detected",),
    examples=(match("Public API Tokens Without Owners Detected"), no_match("User Removed")),
)
