"""Rule: an actor first seen in the last three days changes groups, permissions or invites."""

from trail.findings import sequences
from trail.findings.detector import Rule, daily, events, match, no_match

DETECTOR = Rule(
    name="newcomer-rights",
    title="New actor changes permissions",
    description="An actor first seen in the last 72 hours changed permissions or invited users.",
    runbook=(
        "Ask who granted the new actor access and whether administration is their task.",
        "Review each permission granted and each invitation.",
    ),
    points=70,
    earlier="first_at",
    circumstance="less than 72 hours after the first activity",
    sql=f"""
select c.*, i.first_at from changes c join identities i on i.actor_id = c.actor_id
where c.occurred_at <= i.first_at + interval 72 hours and i.first_at > i.opened + interval 7 days
 and i.actor_type <> 'system'
 and c.action in ({sequences.names((*sequences.GROUPS, "User Invite Sent", "Users Invited"))})
""",
    examples=(
        match(
            "Permissions changed on the first day",
            daily(range(12), "users/ana", "Source Modified"),
            events(12, "10:00", "users/new", "User Policy Updated"),
        ),
        no_match(
            "By a long-standing user",
            daily(range(12), "users/ana", "Source Modified"),
            events(12, "10:00", "users/ana", "User Policy Updated"),
        ),
    ),
)
