"""Rule: a destination exists for less than a day."""

from trail.findings import sequences
from trail.findings.detector import Rule, events, match, no_match

DETECTOR = Rule(
    name="made-and-removed",
    title="Short-lived destination",
    description="A destination, warehouse or function was created and deleted within 24 hours.",
    runbook=(
        "Find out which data it received while it existed.",
        "If it was a test, ask for test workspaces or clearly named test resources.",
    ),
    points=50,
    earlier="made_at",
    circumstance="less than a day after the creation",
    preceding=("made_by", "making"),
    sql=f"""
select gone.*, made.occurred_at as made_at, made.actor_id as made_by, made.action as making
from (
 select * from changes where kind = 'delete' and target_id <> ''
  and action in ({sequences.names(sequences.EGRESS)})
) gone asof join (
 select target_id, occurred_at, actor_id, action from changes where kind = 'create'
  and action in ({sequences.names(sequences.EGRESS)})
) made on made.target_id = gone.target_id and made.occurred_at <= gone.occurred_at
where gone.occurred_at - made.occurred_at <= interval 24 hours
""",
    examples=(
        match(
            "Deleted ten minutes after its creation",
            events(1, "10:00", "users/ana", "Integrations Created", "integration-1"),
            events(1, "10:10", "users/ana", "Integrations Deleted", "integration-1"),
        ),
        no_match(
            "Another destination deleted",
            events(1, "10:00", "users/ana", "Integrations Created", "integration-1"),
            events(1, "10:10", "users/ana", "Integrations Deleted", "integration-2"),
        ),
    ),
)
