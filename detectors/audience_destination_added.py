"""Rule: an audience's members are sent to another destination."""

from trail.findings.detector import Rule, match, no_match

DETECTOR = Rule(
    name="audience-egress",
    title="Destination added to audience",
    description="An audience is now sent to an additional destination.",
    runbook=("Verify that the destination may receive this data: consent, contract, region.",),
    points=40,
    actions=("Destination Added into Audience",),
    examples=(
        match("Destination Added into Audience"),
        no_match("Destination Removed from Audience"),
    ),
)
