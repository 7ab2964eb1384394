"""Rule: a token is used for the first time; Segment sends no event when a token is created."""

from trail.findings.detector import Rule, daily, events, match, no_match

DETECTOR = Rule(
    name="token-new",
    title="New token used",
    description="A token was used for the first time, at least a week after recording began.",
    runbook=(
        "Find out who created the token, for what purpose and with which permissions.",
        "Confirm that the token has an owner and only the permissions it needs.",
    ),
    points=50,
    earlier="first_at",
    circumstance="first used",
    sql="""
select c.*, i.first_at from changes c join identities i on i.actor_id = c.actor_id
where i.actor_type = 'token' and c.occurred_at < i.first_at + interval 24 hours
 and i.first_at > i.opened + interval 7 days
""",
    examples=(
        match(
            "First event of a token",
            daily(range(12), "users/ana", "Source Modified"),
            events(12, "10:00", "tokens/new", "Source Modified"),
        ),
        no_match("A token in daily use", daily(range(13), "tokens/old", "Source Modified")),
    ),
)
