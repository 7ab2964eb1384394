"""Rule: somebody acts who was removed from the workspace before. Shipped switched on.

The removal is looked for in the week before; who comes back later must have been let in again.
"""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="removed-user-acts",
    title="Acted after being removed",
    sentence="Somebody who was removed from the workspace changed something afterwards.",
    check=(
        "End the person's sessions and revoke the tokens that they made.",
        "Find out how they still got in: an open session, a token, an invitation.",
    ),
    points=80,
    on=True,
    sql="""
select later.* from changes later join changes gone
 on later.actor_id = 'users/' || gone.target_id
 and later.occurred_at > gone.occurred_at
where gone.action = 'User Removed' and later.actor_type = 'user'
 and not exists (select 1 from changes back where back.actor_id = later.actor_id
  and back.action in ('User Added via SSO', 'User Invite Accepted')
  and back.occurred_at > gone.occurred_at and back.occurred_at <= later.occurred_at)
""",
    examples=(
        Example(
            "an audience downloaded the day after",
            True,
            (
                *act(1, "09:05", "users/ana", "User Removed", "bob"),
                *act(2, "11:24", "users/bob", "Audience CSV Downloaded", "audience-1"),
            ),
            2,
            "users/bob",
        ),
        Example(
            "before the removal",
            False,
            (
                *act(1, "09:05", "users/bob", "Audience CSV Downloaded", "audience-1"),
                *act(2, "11:24", "users/ana", "User Removed", "bob"),
            ),
            1,
            "users/bob",
        ),
    ),
)
