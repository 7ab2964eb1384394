"""Legal holds: events that the retention policy must not remove, why, and by whose decision.

A hold that has ended stays in the table: it explains why older events still exist.
"""

import contextlib
import datetime as dt
from typing import Any

from trail.core.clock import naive_utc, utc_now
from trail.core.errors import InputError
from trail.storage import ledger, tiers
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.held_periods import moment_held

KINDS = ("event", "target", "period")

_COLUMNS = "hold_id, kind, value, from_at, to_at, reason, made_by, made_at"


def condition(holds: str = "ended_at is null") -> str:
    """Return the SQL condition, never null, that a row of `events e` is on hold.

    *holds* is the condition that selects rows of `holds`.
    """
    values = f"select value from holds where {holds} and kind = '{{}}'"
    event, target = values.format("event"), values.format("target")
    # A hold on a second report covers the event that it reports.
    return f"""coalesce(
 e.event_id in ({event})
 or e.event_id in (select twin_of from twins where event_id in ({event}))
 or e.target_key in (select target_key from targets
  where target_id in ({target}) or (target_id = '' and target_name in ({target})))
 or {moment_held("e.occurred_at", holds)}, false)"""


def add(
    store: Store,
    kind: str,
    value: str,
    from_at: dt.datetime | None,
    to_at: dt.datetime | None,
    reason: str,
    made_by: str,
) -> int:
    """Place a legal hold on an event, a target or a period; return its number.

    *value* is the id of an event or target (the name of a target without id). A period includes
    *from_at* and excludes *to_at*; times without zone are UTC. The hold also covers later events.
    Raises `InputError` for missing or invalid values.
    """
    start, end = _utc(from_at), _utc(to_at)
    _check(kind, value, start, end, reason, made_by)

    def job(cursor: Cursor) -> int:
        number = int(
            cursor.execute("select coalesce(max(hold_id), 0) + 1 from holds").fetchall()[0][0]
        )
        with _recorded(cursor, number):
            cursor.execute(
                "insert into holds values ($hold, $kind, $value, $start, $end, $reason, $made_by, "
                "$now, null)",
                {
                    "hold": number,
                    "kind": kind,
                    "value": value,
                    "start": start,
                    "end": end,
                    "reason": reason.strip(),
                    "made_by": made_by,
                    "now": utc_now(),
                },
            )
        return number

    return store.write(job)


def end(store: Store, hold_id: int) -> None:
    """End a hold: the next purge may remove the events that it covered.

    Raises `InputError` if it does not exist or has already ended.
    """

    def job(cursor: Cursor) -> None:
        rows = cursor.execute(
            "select ended_at from holds where hold_id = $hold", {"hold": hold_id}
        ).fetchall()
        if not rows or rows[0][0] is not None:
            state = f"ended on {rows[0][0]:%Y-%m-%d}" if rows else "does not exist"
            raise InputError(f"Hold {hold_id} {state}.", "List the active holds.")
        with _recorded(cursor, hold_id):
            cursor.execute(
                "update holds set ended_at = $now where hold_id = $hold",
                {"now": utc_now(), "hold": hold_id},
            )

    store.write(job)


def _recorded(cursor: Cursor, hold_id: int) -> contextlib.AbstractContextManager[None]:
    return ledger.changing(cursor, "holds", "hold_id = $hold", {"hold": hold_id})


def active(engine: Engine) -> list[dict[str, Any]]:
    """Return the active holds, oldest first, with times in UTC without zone.

    Each has hold_id, kind, value, from_at, to_at, reason, made_by, made_at.
    """
    rows: list[dict[str, Any]] = engine.table(
        f"select {_COLUMNS} from holds where ended_at is null order by hold_id"
    ).to_pylist()
    return rows


def all_holds(engine: Engine) -> list[dict[str, Any]]:
    """Return all holds as `active` does, including ended ones, with ended_at."""
    rows: list[dict[str, Any]] = engine.table(
        f"select {_COLUMNS}, ended_at from holds order by hold_id"
    ).to_pylist()
    return rows


def count_events(store: Store, hold_id: int) -> int:
    """Return how many stored events a hold covers, archived ones among them."""
    table = tiers.both(store).table(
        f"select count(*) as n from events e where {condition(f'hold_id = {int(hold_id)}')}"
    )
    return int(table["n"][0].as_py())


def _check(
    kind: str,
    value: str,
    start: dt.datetime | None,
    end: dt.datetime | None,
    reason: str,
    made_by: str,
) -> None:
    if kind not in KINDS:
        raise InputError(f"Unknown kind of hold {kind!r}.", "Allowed: event, target, period.")
    if not reason.strip() or not made_by.strip():
        missing = "user" if reason.strip() else "reason"
        raise InputError(f"The {missing} of the hold is missing.", f"Enter a {missing}.")
    if kind != "period":
        if not value.strip():
            raise InputError(f"The id of the {kind} is missing.", f"Enter the id of the {kind}.")
        if start or end:
            raise InputError(
                f"A hold on a single {kind} has no period.",
                "Omit from and to, or place a hold on a period.",
            )
    elif value:
        raise InputError("A hold on a period has no event or target.", "Omit the id.")
    elif start is None or end is None:
        raise InputError("A hold on a period needs from and to.", "Enter both times.")
    elif start >= end:
        raise InputError("The period ends before it starts.", "Swap from and to.")


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return naive_utc(moment) if moment and moment.tzinfo else moment
