"""Rule: the same actor weakens protection and opens data egress within a day."""

from trail.findings import sequences
from trail.findings.detector import Rule, events, match, no_match

DETECTOR = Rule(
    name="filter-then-destination",
    title="Filter removed, then destination added",
    description="A filter or tracking plan was removed and a destination added within 24 hours.",
    runbook=(
        "Review the new destination: where does it send data, and who owns it?",
        "Restore the filter first, then ask for the reason.",
    ),
    points=80,
    earlier="weakened_at",
    preceding=("actor_id", "weakening"),
    circumstance="after removing or disabling a filter or tracking plan",
    sql=f"""
select later.*, before.occurred_at as weakened_at, before.action as weakening
from (
 select * from changes where kind = 'create'
  and action in ({sequences.names(sequences.OPENING)})
) later asof join (
 select actor_id, occurred_at, action from changes where kind in ('delete', 'disable', 'disconnect')
  and action in ({sequences.names(sequences.WEAKENING)})
) before on before.actor_id = later.actor_id and before.occurred_at <= later.occurred_at
where later.occurred_at - before.occurred_at <= interval 24 hours
""",
    examples=(
        match(
            "36 minutes later",
            events(1, "16:05", "users/ana", "Destination Filters Deleted", "filter-1"),
            events(1, "16:41", "users/ana", "Integrations Created", "integration-1"),
        ),
        no_match(
            "By another user",
            events(1, "16:05", "users/ana", "Destination Filters Deleted", "filter-1"),
            events(1, "16:41", "users/ben", "Integrations Created", "integration-1"),
        ),
    ),
)
