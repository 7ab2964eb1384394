"""Rule: people's data left the workspace as a file."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="audience-downloaded",
    title="Audience downloaded",
    sentence="Somebody downloaded the people of an audience as a CSV file.",
    check=(
        "Ask what the list is for, and where the file is now.",
        "Check that the purpose has consent.",
    ),
    points=60,
    query="action=Audience+CSV+Downloaded",
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Audience CSV Downloaded"),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Audience Modified"),
            1,
            "users/ana",
        ),
    ),
)
