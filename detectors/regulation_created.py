"""Rule: what a regulation deletes does not come back."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="regulation-created",
    title="Deletion or suppression requested",
    sentence="A regulation was created: profiles are deleted or suppressed, for good.",
    check=(
        "Match it with the request of the person concerned.",
        "A regulation on the whole workspace needs a second pair of eyes.",
    ),
    points=50,
    query=("action=Source+Regulation+Created&action=Workspace+Regulation+Created"),
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Source Regulation Created"),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Regulation Deleted"),
            1,
            "users/ana",
        ),
    ),
)
