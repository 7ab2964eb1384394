"""Rule: an identity of the last three days changes groups, permissions or invites."""

from trail.findings import sequences
from trail.findings.model import Example, Rule, act, daily

DETECTOR = Rule(
    name="newcomer-rights",
    title="Newcomer changes rights",
    sentence="Somebody first seen in the last 72 hours changed rights or invited people.",
    check=(
        "Ask who let the newcomer in, and whether administering is their work.",
        "Look at each right that was given, and at each invitation.",
    ),
    points=70,
    sql=f"""
select c.* from changes c join identities i on i.actor_id = c.actor_id
where c.occurred_at <= i.first_at + interval 72 hours and i.first_at > i.opened + interval 7 days
 and i.actor_type <> 'system'
 and c.action in ({sequences.names((*sequences.GROUPS, "User Invite Sent", "Users Invited"))})
""",
    examples=(
        Example(
            "a policy on the first day",
            True,
            (
                *daily(range(12), "users/ana", "Source Modified"),
                *act(12, "10:00", "users/new", "User Policy Updated"),
            ),
            12,
            "users/new",
        ),
        Example(
            "by somebody long known",
            False,
            (
                *daily(range(12), "users/ana", "Source Modified"),
                *act(12, "10:00", "users/ana", "User Policy Updated"),
            ),
            12,
            "users/ana",
        ),
    ),
)
