"""Streams: every event that a destination's filter chooses, in the order in which they were kept.

A stream has a place in that order, and its next few hundred events become deliveries in the same
transaction that moves the place. So its backlog is the events themselves, however many; nothing is
written while events are loaded; and a replay is a step back.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from trail.core.model import EVENT_COLUMNS, Notification
from trail.events.events import STAR, join_names
from trail.notifications import deliveries
from trail.notifications.destinations import Destination
from trail.storage import cursors
from trail.storage.database import Cursor, Store
from trail.storage.filters import Filter
from trail.storage.where import literal, select

# So many become deliveries at a time; the rest waits as events.
AHEAD = 500


def fill(store: Store, destination: Destination, now: dt.datetime) -> int:
    """Let the next events of a stream wait as deliveries; return how many.

    *now* is UTC without zone. Events that its forwarder does not take are counted as skipped.
    """
    kept = cursors.kept(store)
    if kept is None or not is_behind(destination, kept):
        return 0
    rows = _next(store, destination, kept, now)
    taken = [row for row in rows if _takes(destination, row)]

    def put(cursor: Cursor) -> int:
        if not _stands(cursor, destination):
            return 0  # it was sent back meanwhile
        message = [(str(row["event_id"]), {c: row[c] for c in _TOLD}) for row in taken]
        number = deliveries.enqueue_all(cursor, destination.destination_id, "event", message, now)
        last = rows[-1] if len(rows) == AHEAD else None
        _move(cursor, destination, kept, last, len(rows) - len(taken))
        return number

    return store.write(put)


def replay(cursor: Cursor, destination_id: int, since: dt.datetime, now: dt.datetime) -> int:
    """Send again what was kept (or sent, where it is no stream) at *since* or later; UTC.

    A stream goes back to that place and everything from there follows in order, which has each
    event since *since* among it, since nothing is kept before it happens. Other deliveries of the
    log are sent once more; returns how many those are.
    """
    cursor.execute(
        "update destinations set mark_at = least(coalesce(mark_at, $since), $since), "
        "mark_time = null, mark_id = '' where destination_id = $id and streams",
        {"id": destination_id, "since": since - dt.timedelta(microseconds=1)},
    )
    rows = cursor.execute(
        "insert into deliveries select nextval('delivery_ids'), destination_id, kind, key, "
        "payload, $now, 'waiting', 0, $now, null, null, '' from (select d.* from deliveries d "
        "join destinations t using (destination_id) where d.destination_id = $id "
        "and d.created_at >= $since and d.state in ('sent', 'dead') "
        "and not (t.streams and d.kind = 'event') order by d.delivery_id) returning 1",
        {"id": destination_id, "since": since, "now": now},
    ).fetchall()
    return len(rows)


_TOLD = (*EVENT_COLUMNS, "echo")


def is_behind(destination: Destination, kept: dt.datetime | None) -> bool:
    """Return whether events were kept past the place of a stream; *kept* is `marks.kept`."""
    if not destination.streams or kept is None:
        return False
    ended = destination.mark_at is not None and destination.mark_time is None
    return not (ended and destination.mark_at is not None and destination.mark_at >= kept)


def _next(
    store: Store, destination: Destination, kept: dt.datetime, now: dt.datetime
) -> list[dict[str, Any]]:
    chosen = select(store, Filter.parse(destination.query), now.replace(tzinfo=dt.UTC))
    place, params = _after(destination)
    star = (
        f"select {STAR}, e.raw, e.echo from events e where {place} "
        f"and e.ingested_at <= {literal(kept)} and {chosen.timed()} "
        f"order by e.ingested_at, e.occurred_at, e.event_id limit {AHEAD}"
    )
    sql = f"{join_names(star, ', raw, echo')} order by ingested_at, occurred_at, event_id"
    result: list[dict[str, Any]] = store.table(sql, {**chosen.params, **params}).to_pylist()
    return result


def _after(destination: Destination) -> tuple[str, dict[str, Any]]:
    """Return the condition that an event comes after the destination's place, with literals."""
    if destination.mark_at is None:
        return "true", {}
    at = literal(destination.mark_at)
    if destination.mark_time is None:
        return f"e.ingested_at > {at}", {}
    time = literal(destination.mark_time)
    return (
        f"e.ingested_at >= {at} and (e.ingested_at > {at} or e.occurred_at > {time} "
        f"or (e.occurred_at = {time} and e.event_id > $mark_id))"
    ), {"mark_id": destination.mark_id}


def _takes(destination: Destination, row: Mapping[str, Any]) -> bool:
    notification = Notification("event", str(row["event_id"]), row["ingested_at"], row)
    return destination.forwarder.accepts(notification, destination.settings)


def _stands(cursor: Cursor, destination: Destination) -> bool:
    rows = cursor.execute(
        "select mark_at, mark_time, mark_id from destinations where destination_id = $id",
        {"id": destination.destination_id},
    ).fetchall()
    return rows == [(destination.mark_at, destination.mark_time, destination.mark_id)]


def _move(
    cursor: Cursor,
    destination: Destination,
    kept: dt.datetime,
    last: Mapping[str, Any] | None,
    skipped: int,
) -> None:
    cursor.execute(
        "update destinations set mark_at = $at, mark_time = $time, mark_id = $id, "
        "skipped = skipped + $skipped where destination_id = $destination",
        {
            "at": last["ingested_at"] if last else kept,
            "time": last["occurred_at"] if last else None,
            "id": last["event_id"] if last else "",
            "skipped": skipped,
            "destination": destination.destination_id,
        },
    )


def waiting(store: Store, destination: Destination, now: dt.datetime) -> int:
    """Return how many events a stream has still ahead that are no deliveries yet."""
    place, params = _after(destination)
    chosen = select(store, Filter.parse(destination.query), now.replace(tzinfo=dt.UTC))
    result = store.table(
        f"select count(*) as n from events e where {place} and {chosen.timed()}",
        {**chosen.params, **params},
    )
    return int(result["n"][0].as_py()) if destination.streams else 0
