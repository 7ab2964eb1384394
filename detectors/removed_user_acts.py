"""Rule: a removed user makes changes. Enabled by default.

Only removals in the preceding week count; a later return requires a new invitation.
"""

from trail.findings.detector import Rule, events, match, no_match

DETECTOR = Rule(
    name="removed-user-acts",
    title="Activity after removal",
    description="A user who was removed from the workspace made a change afterwards.",
    runbook=(
        "End the user's sessions and revoke the tokens they created.",
        "Find out how they still had access: an open session, a token, an invitation.",
    ),
    points=80,
    enabled=True,
    severe=True,
    earlier="removed_at",
    preceding=("removed_by", "removal"),
    circumstance="after being removed from the workspace",
    sql="""
select later.*, gone.occurred_at as removed_at, gone.actor_id as removed_by,
 gone.action as removal
from changes later join changes gone
 on later.actor_id = 'users/' || gone.target_id
 and later.occurred_at > gone.occurred_at
where gone.action = 'User Removed' and later.actor_type = 'user'
 and not exists (select 1 from changes back where back.actor_id = later.actor_id
  and back.action in ('User Added via SSO', 'User Invite Accepted')
  and back.occurred_at > gone.occurred_at and back.occurred_at <= later.occurred_at)
""",
    examples=(
        match(
            "An audience downloaded on the next day",
            events(1, "09:05", "users/ana", "User Removed", "bob"),
            events(2, "11:24", "users/bob", "Audience CSV Downloaded", "audience-1"),
        ),
        no_match(
            "Before the removal",
            events(1, "09:05", "users/bob", "Audience CSV Downloaded", "audience-1"),
            events(2, "11:24", "users/ana", "User Removed", "bob"),
            day=1,
            actor="users/bob",
        ),
    ),
)
