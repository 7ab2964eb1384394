"""Rule: looking at raw events is reading personal data."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="raw-data-viewed",
    title="Raw events viewed",
    sentence="Somebody looked at raw events in a source's debugger, personal data among them.",
    check=("See whether they were debugging the source that day.",),
    points=30,
    query="action=Source+Debugger+Raw+Viewed",
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Source Debugger Raw Viewed"),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Source Modified"),
            1,
            "users/ana",
        ),
    ),
)
