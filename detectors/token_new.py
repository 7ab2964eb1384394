"""Rule: a token is used for the first time. Segment names no event for making one, so this does."""

from trail.findings.model import Example, Rule, act, daily

DETECTOR = Rule(
    name="token-new",
    title="New token used",
    sentence="A token acted that was never seen before; the trail must be a week old.",
    check=(
        "Find out who made the token, for what, and with which rights.",
        "A token needs an owner and as few rights as its work asks for.",
    ),
    points=50,
    sql="""
select c.* from changes c join identities i on i.actor_id = c.actor_id
where i.actor_type = 'token' and c.occurred_at < i.first_at + interval 24 hours
 and i.first_at > i.opened + interval 7 days
""",
    examples=(
        Example(
            "its first event",
            True,
            (
                *daily(range(12), "users/ana", "Source Modified"),
                *act(12, "10:00", "tokens/new", "Source Modified"),
            ),
            12,
            "tokens/new",
        ),
        Example(
            "a token that is always there",
            False,
            daily(range(13), "tokens/old", "Source Modified"),
            12,
            "tokens/old",
        ),
    ),
)
