"""Rule: a filter that is gone lets through what it held back."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="filter-removed",
    title="Destination filter removed",
    sentence="A filter that held data back was deleted or switched off.",
    check=(
        "Find out what the filter held back: consent, personal data, test data?",
        "See what has gone to the destination since.",
    ),
    points=70,
    query=("action=Destination+Filters+Deleted&action=Destination+Filter+Disabled"),
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Destination Filters Deleted"),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Destination Filters Created"),
            1,
            "users/ana",
        ),
    ),
)
