"""Rule: a filter comes off, and within a day the same actor adds a way out."""

from trail.findings import sequences
from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="filter-then-destination",
    title="Filter off, then destination added",
    sentence="A filter or tracking plan was taken away, and a way out was added within 24 hours.",
    check=(
        "Look at the new destination: where does it send to, and who owns it?",
        "Put the filter back first, then ask.",
    ),
    points=80,
    sql=f"""
select later.* from (
 select * from changes where kind = 'create'
  and action in ({sequences.names(sequences.OPENING)})
) later asof join (
 select actor_id, occurred_at from changes where kind in ('delete', 'disable', 'disconnect')
  and action in ({sequences.names(sequences.WEAKENING)})
) before on before.actor_id = later.actor_id and before.occurred_at <= later.occurred_at
where later.occurred_at - before.occurred_at <= interval 24 hours
""",
    examples=(
        Example(
            "36 minutes later",
            True,
            (
                *act(1, "16:05", "users/ana", "Destination Filters Deleted", "filter-1"),
                *act(1, "16:41", "users/ana", "Integrations Created", "integration-1"),
            ),
            1,
            "users/ana",
        ),
        Example(
            "by somebody else",
            False,
            (
                *act(1, "16:05", "users/ana", "Destination Filters Deleted", "filter-1"),
                *act(1, "16:41", "users/ben", "Integrations Created", "integration-1"),
            ),
            1,
            "users/ben",
        ),
    ),
)
