"""Event streams: forward every event that matches a destination's filter, in `ingested_at` order.

A stream has a cursor. Its next few hundred events become deliveries in the transaction that moves
the cursor. The backlog is therefore the events table itself, ingest writes nothing extra, and a
replay moves the cursor back.
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
from trail.storage.event_flags import AHEAD
from trail.storage.filters import Filter
from trail.storage.where import Selection, literal, select

# Events queued as deliveries at a time.
BATCH_SIZE = 500


def fill(store: Store, destination: Destination, now: dt.datetime) -> int:
    """Queue the next events of a stream as deliveries; return their number.

    *now* is naive UTC. Events that the forwarder does not accept are counted as skipped.
    """
    newest = cursors.kept(store)
    if newest is None or not is_behind(destination, newest):
        return 0
    rows = _next_events(store, destination, newest, now)
    accepted = [row for row in rows if _is_accepted(destination, row)]

    def enqueue(cursor: Cursor) -> int:
        if not _is_unchanged(cursor, destination):
            return 0  # a replay moved the cursor in the meantime
        items = [(str(row["event_id"]), {c: row[c] for c in _PAYLOAD_COLUMNS}) for row in accepted]
        number = deliveries.enqueue_all(cursor, destination.destination_id, "event", items, now)
        last = rows[-1] if len(rows) == BATCH_SIZE else None
        _move_cursor(cursor, destination, newest, last, len(rows) - len(accepted))
        return number

    return store.write(enqueue)


def replay(cursor: Cursor, destination_id: int, since: dt.datetime, now: dt.datetime) -> int:
    """Resend what was ingested, or queued if not a stream, at *since* or later (naive UTC).

    The cursor of a stream moves back to *since*. Because no event is ingested before it occurs,
    this includes every event that occurred since then. Other deliveries of the log are queued
    again; return their number.
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


_PAYLOAD_COLUMNS = (*EVENT_COLUMNS, "echo")


def is_behind(destination: Destination, newest: dt.datetime | None) -> bool:
    """Return whether a stream has events after its cursor; *newest* is `cursors.kept`."""
    if not destination.streams or newest is None:
        return False
    ended = destination.mark_at is not None and destination.mark_time is None
    return not (ended and destination.mark_at is not None and destination.mark_at >= newest)


def _next_events(
    store: Store, destination: Destination, newest: dt.datetime, now: dt.datetime
) -> list[dict[str, Any]]:
    chosen = _selection(store, destination, now)
    condition, params = _after_cursor(destination)
    inner = (
        f"select {STAR}, e.raw, e.echo from events e where {condition} "
        f"and e.ingested_at <= {literal(newest)} and {chosen.timed()} "
        f"order by e.ingested_at, e.occurred_at, e.event_id limit {BATCH_SIZE}"
    )
    sql = f"{join_names(inner, ', raw, echo')} order by ingested_at, occurred_at, event_id"
    result: list[dict[str, Any]] = store.table(sql, {**chosen.params, **params}).to_pylist()
    return result


def _selection(store: Store, destination: Destination, now: dt.datetime) -> Selection:
    # A relative range ends now, but the clock of a source may be a little ahead.
    moment = now.replace(tzinfo=dt.UTC) + AHEAD
    return select(store, Filter.parse(destination.query), moment)


def _after_cursor(destination: Destination) -> tuple[str, dict[str, Any]]:
    """Return the SQL condition, and its parameters, for events after the destination's cursor."""
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


def _is_accepted(destination: Destination, row: Mapping[str, Any]) -> bool:
    notification = Notification("event", str(row["event_id"]), row["ingested_at"], row)
    return destination.forwarder.accepts(notification, destination.settings)


def _is_unchanged(cursor: Cursor, destination: Destination) -> bool:
    rows = cursor.execute(
        "select mark_at, mark_time, mark_id from destinations where destination_id = $id",
        {"id": destination.destination_id},
    ).fetchall()
    return rows == [(destination.mark_at, destination.mark_time, destination.mark_id)]


def _move_cursor(
    cursor: Cursor,
    destination: Destination,
    newest: dt.datetime,
    last: Mapping[str, Any] | None,
    skipped: int,
) -> None:
    cursor.execute(
        "update destinations set mark_at = $at, mark_time = $time, mark_id = $id, "
        "skipped = skipped + $skipped where destination_id = $destination",
        {
            "at": last["ingested_at"] if last else newest,
            "time": last["occurred_at"] if last else None,
            "id": last["event_id"] if last else "",
            "skipped": skipped,
            "destination": destination.destination_id,
        },
    )


def count_pending(store: Store, destination: Destination, now: dt.datetime) -> int:
    """Return the number of events of a stream that are not yet queued."""
    condition, params = _after_cursor(destination)
    chosen = _selection(store, destination, now)
    result = store.table(
        f"select count(*) as n from events e where {condition} and {chosen.timed()}",
        {**chosen.params, **params},
    )
    return int(result["n"][0].as_py()) if destination.streams else 0
