"""Rule: a filter can be weakened without being removed."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="filter-changed",
    title="Destination filter changed",
    sentence="A filter's conditions were changed; it may now let more through.",
    check=("Compare the filter with what it should hold back.",),
    points=40,
    query="action=Destination+Filters+Modified",
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Destination Filters Modified"),
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
