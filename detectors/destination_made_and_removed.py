"""Rule: a way out is created and deleted again within a day."""

from trail.findings import sequences
from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="made-and-removed",
    title="Way out made and removed",
    sentence="A destination, warehouse or function was created and deleted within 24 hours.",
    check=(
        "Find out what went through it while it was there.",
        "A test should have a name that says so, and run in a workspace for tests.",
    ),
    points=50,
    sql=f"""
select gone.* from (
 select * from changes where kind = 'delete' and target_id <> ''
  and action in ({sequences.names(sequences.EGRESS)})
) gone asof join (
 select target_id, occurred_at from changes where kind = 'create'
  and action in ({sequences.names(sequences.EGRESS)})
) made on made.target_id = gone.target_id and made.occurred_at <= gone.occurred_at
where gone.occurred_at - made.occurred_at <= interval 24 hours
""",
    examples=(
        Example(
            "ten minutes later",
            True,
            (
                *act(1, "10:00", "users/ana", "Integrations Created", "integration-1"),
                *act(1, "10:10", "users/ana", "Integrations Deleted", "integration-1"),
            ),
            1,
            "users/ana",
        ),
        Example(
            "another one deleted",
            False,
            (
                *act(1, "10:00", "users/ana", "Integrations Created", "integration-1"),
                *act(1, "10:10", "users/ana", "Integrations Deleted", "integration-2"),
            ),
            1,
            "users/ana",
        ),
    ),
)
