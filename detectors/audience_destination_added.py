"""Rule: people of an audience go to one more place."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="audience-egress",
    title="Destination added to an audience",
    sentence="An audience's people now go to another destination.",
    check=("Check that the destination may receive them: consent, contract, region.",),
    points=40,
    query="action=Destination+Added+into+Audience",
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Destination Added into Audience"),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Destination Removed from Audience"),
            1,
            "users/ana",
        ),
    ),
)
