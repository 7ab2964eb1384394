"""What people said is expected: an action of an actor counts as done before, until it expires.

Separate because reviewers write it while scoring reads it. docs/detection.md, Expected: it
counts as done on three days, k + 3.
"""

import datetime as dt
from typing import Any

from trail.errors import InputError
from trail.store import Engine, Store, utc_now

LONGEST_DAYS = 90


def teach(
    store: Store,
    actor_id: str,
    actions: list[str],
    day: dt.date,
    until: dt.date,
    reason: str,
    made_by: str,
) -> None:
    """Let *actions* (names, or a chain's `what`) of *actor_id* count as familiar after *day*.

    *until* is the last day (UTC) that it counts for, 90 days after *day* at most. Days up to and
    with *day* keep their scores. Raises `InputError` for a longer time, no action or no reason.
    """
    if not actor_id or not actions:
        raise InputError("Nothing is named that is expected.", "Name an actor and an action.")
    if not reason.strip():
        raise InputError("No reason is given.", "Say why it is expected.")
    if not day < until <= day + dt.timedelta(days=LONGEST_DAYS):
        raise InputError(
            "What is expected must expire.", f"Give a day at most {LONGEST_DAYS} days later."
        )
    now = utc_now()
    store.write(
        lambda cursor: cursor.execute(
            "insert into taught "
            "select $actor, unnest($actions), $since, $until, $reason, $by, $now",
            {
                "actor": actor_id,
                "actions": sorted(set(actions)),
                "since": day,
                "until": until,
                "reason": reason.strip(),
                "by": made_by,
                "now": now,
            },
        )
    )


def unteach(store: Store, actor_id: str, action: str, day: dt.date) -> None:
    """End what was taught of *action* of *actor_id*: it counts until *day* and no longer."""
    store.write(
        lambda cursor: cursor.execute(
            "update taught set until = $day where actor_id = $actor and action = $action "
            "and until > $day",
            {"actor": actor_id, "action": action, "day": day},
        )
    )


def lessons(engine: Engine, today: dt.date) -> list[dict[str, Any]]:
    """Return what is expected on *today* or later, the next to expire first.

    Each has actor_id, action, since, until (days, UTC), reason, made_by, made_at (UTC).
    """
    return list(
        engine.table(
            "select * from taught where until >= $today order by until, actor_id, action",
            {"today": today},
        ).to_pylist()
    )
