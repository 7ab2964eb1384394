"""Rule: what the plan forbids is let through."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="violations-allowed",
    title="Violating data let through",
    sentence="A source now lets through traits that violate its tracking plan.",
    check=("Ask who decided it; compare with the plan.",),
    points=50,
    query=(
        "action=Schema+Default+Edited+To+Allow+Group+Traits+On+Violation"
        "&action=Schema+Default+Edited+To+Allow+Identify+Traits+On+Violation"
    ),
    examples=(
        Example(
            "it happens",
            True,
            act(
                1, "10:00", "users/ana", "Schema Default Edited To Allow Group Traits On Violation"
            ),
            1,
            "users/ana",
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "Schema Default Edited To Block New Events"),
            1,
            "users/ana",
        ),
    ),
)
