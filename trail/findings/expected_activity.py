"""Expected activity: actions of an actor that count as familiar until they expire.

Each counts as done on three earlier days (docs/detection.md, Expected).
"""

import contextlib
import datetime as dt
from typing import Any

from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.storage import ledger
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine

MAX_DAYS = 90


def mark_expected(
    store: Store,
    actor_id: str,
    actions: list[str],
    day: dt.date,
    until: dt.date,
    reason: str,
    made_by: str,
) -> None:
    """Count *actions* (names, or a sequence's `what`) of *actor_id* as familiar after *day*.

    *until* is the last day (UTC), at most 90 days after *day*. Scores up to *day* do not change.
    Raises `InputError` for a longer period, no action or no reason.
    """
    if not actor_id or not actions:
        raise InputError("No expected activity given.", "Give an actor and at least one action.")
    if not reason.strip():
        raise InputError("The reason is missing.", "Enter why it is expected.")
    if not day < until <= day + dt.timedelta(days=MAX_DAYS):
        raise InputError(
            f"Invalid expiry date {until}.",
            f"Allowed: a day after {day}, at most {MAX_DAYS} days later.",
        )
    now = utc_now()

    def job(cursor: Cursor) -> None:
        with _recorded(cursor, actor_id):
            cursor.execute(
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

    store.write(job)


def end_expected(store: Store, actor_id: str, action: str, day: dt.date) -> None:
    """Let *action* of *actor_id* count as expected only until *day*."""

    def job(cursor: Cursor) -> None:
        with _recorded(cursor, actor_id):
            cursor.execute(
                "update taught set until = $day where actor_id = $actor and action = $action "
                "and until > $day",
                {"actor": actor_id, "action": action, "day": day},
            )

    store.write(job)


def _recorded(cursor: Cursor, actor_id: str) -> contextlib.AbstractContextManager[None]:
    return ledger.changing(cursor, "taught", "actor_id = $actor", {"actor": actor_id})


def active(engine: Engine, today: dt.date) -> list[dict[str, Any]]:
    """Return the expected activity that has not expired on *today*, the next to expire first.

    Each has actor_id, action, since, until (days, UTC), reason, made_by, made_at (UTC).
    """
    return list(
        engine.table(
            "select * from taught where until >= $today order by until, actor_id, action",
            {"today": today},
        ).to_pylist()
    )
