"""Rule: keys to a warehouse are keys to all its data."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="warehouse-credential",
    title="Warehouse credential changed",
    sentence="A credential of a warehouse was made, changed or deleted.",
    check=(
        "See who asked for the credential, and what it may read.",
        "After a change, check that the next sync runs.",
    ),
    points=50,
    query=(
        "action=Warehouse+Credential+Created"
        "&action=Warehouse+Credential+Modified"
        "&action=Warehouse+Credential+Deleted"
    ),
    examples=(
        Example(
            "it happens",
            True,
            act(1, "10:00", "users/ana", "Warehouse Credential Created"),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Warehouses Modified"),
            1,
            "users/ana",
        ),
    ),
)
