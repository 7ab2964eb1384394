"""Holds: what must outlast its retention, why, and who said so.

Separate from retention, since people and pages make and end holds while only retention reads what
they cover. A hold that has ended stays in the table: it explains why a row outlived its time.
"""

import datetime as dt
from typing import Any

from trail.core.errors import InputError
from trail.storage.database import Cursor, Engine, Store, utc_now

KINDS = ("event", "target", "period")

_COLUMNS = "hold_id, kind, value, from_at, to_at, reason, made_by, made_at"


def condition(chosen: str = "ended_at is null") -> str:
    """Return the SQL condition, never null, that a row of `events e` is held.

    *chosen* says which rows of `holds` count; all that have not ended, unless given.
    """
    values = f"select value from holds where {chosen} and kind = '{{}}'"
    event, target = values.format("event"), values.format("target")
    # The id of a second report holds the event that it reports.
    return f"""coalesce(
 e.event_id in ({event})
 or e.event_id in (select twin_of from twins where event_id in ({event}))
 or e.target_key in (select target_key from targets
  where target_id in ({target}) or (target_id = '' and target_name in ({target})))
 or {moment_held("e.occurred_at", chosen)}, false)"""


def moment_held(column: str, chosen: str = "ended_at is null") -> str:
    """Return the SQL condition that the moment in *column* lies in a period that is held."""
    return (
        f"exists (select 1 from holds where {chosen} and kind = 'period' "
        f"and {column} >= from_at and {column} < to_at)"
    )


def add(
    store: Store,
    kind: str,
    value: str,
    from_at: dt.datetime | None,
    to_at: dt.datetime | None,
    reason: str,
    made_by: str,
) -> int:
    """Hold an event, a target or a period from now on; return the hold's number.

    *value* is an event's id, or a target's id (its name, where it has no id). A period takes in
    *from_at* and ends just ahead of *to_at*; times without a zone are UTC. Nothing has to be
    there yet: what comes later is held too. Raises `InputError` for what is missing or senseless.
    """
    start, end = _utc(from_at), _utc(to_at)
    _check(kind, value, start, end, reason, made_by)

    def job(cursor: Cursor) -> int:
        found = cursor.execute(
            "insert into holds select coalesce(max(hold_id), 0) + 1, $kind, $value, $start, $end, "
            "$reason, $made_by, $now, null from holds returning hold_id",
            {
                "kind": kind,
                "value": value,
                "start": start,
                "end": end,
                "reason": reason.strip(),
                "made_by": made_by,
                "now": utc_now(),
            },
        ).fetchall()
        return int(found[0][0])

    return store.write(job)


def end(store: Store, hold_id: int) -> None:
    """End a hold: the next retention may remove what it held.

    Raises `InputError` when there is no such hold, or it has ended already.
    """

    def job(cursor: Cursor) -> None:
        found = cursor.execute(
            "select ended_at from holds where hold_id = $hold", {"hold": hold_id}
        ).fetchall()
        if not found or found[0][0] is not None:
            what = f"ended on {found[0][0]:%Y-%m-%d}" if found else "does not exist"
            raise InputError(f"Hold {hold_id} {what}.", "List the holds to see those that stand.")
        cursor.execute(
            "update holds set ended_at = $now where hold_id = $hold",
            {"now": utc_now(), "hold": hold_id},
        )

    store.write(job)


def active(engine: Engine) -> list[dict[str, Any]]:
    """Return the holds that have not ended, oldest first, their times in UTC without a zone.

    Each has hold_id, kind, value, from_at, to_at, reason, made_by, made_at.
    """
    rows: list[dict[str, Any]] = engine.table(
        f"select {_COLUMNS} from holds where ended_at is null order by hold_id"
    ).to_pylist()
    return rows


def every(engine: Engine) -> list[dict[str, Any]]:
    """Return all holds as `active` does, those that have ended among them, with ended_at."""
    rows: list[dict[str, Any]] = engine.table(
        f"select {_COLUMNS}, ended_at from holds order by hold_id"
    ).to_pylist()
    return rows


def covered(engine: Engine, hold_id: int) -> int:
    """Return how many events that are kept now a hold covers, so that a typing error shows."""
    found = engine.table(
        f"select count(*) as n from events e where {condition(f'hold_id = {int(hold_id)}')}"
    )
    return int(found["n"][0].as_py())


def _check(
    kind: str,
    value: str,
    start: dt.datetime | None,
    end: dt.datetime | None,
    reason: str,
    made_by: str,
) -> None:
    if kind not in KINDS:
        raise InputError(f"Unknown kind of hold {kind!r}.", "Use event, target or period.")
    if not reason.strip() or not made_by.strip():
        missing = "by whom it is made" if reason.strip() else "a reason"
        raise InputError(f"A hold needs to say {missing}.", "Add it, and make the hold again.")
    if kind != "period":
        if not value.strip():
            raise InputError(f"Which {kind} is to be held?", "Give its id.")
        if start or end:
            raise InputError(
                f"A hold on one {kind} has no period.", "Leave out from and to, or hold a period."
            )
    elif value:
        raise InputError("A hold on a period names no event or target.", "Leave the name out.")
    elif start is None or end is None:
        raise InputError("A hold on a period needs from and to.", "Give both times.")
    elif start >= end:
        raise InputError("The period ends before it begins.", "Swap from and to.")


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment and moment.tzinfo else moment
