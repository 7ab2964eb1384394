"""Event streams: forward every event that matches a destination's filter, in `ingested_at` order.

A stream has a cursor. Its next few hundred events become deliveries in the transaction that moves
the cursor. The backlog is therefore the events table itself, and ingest writes nothing extra. A
replay queues its events at once, so that exactly what was counted is sent.
"""

import datetime as dt
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trail.core.clock import utc_text
from trail.core.errors import InputError
from trail.core.model import Notification
from trail.events.names import MESSAGE_COLUMNS, STAR, join_names
from trail.notifications import deliveries, destinations
from trail.notifications.destination import Destination
from trail.storage import cursors, tiers
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.event_flags import AHEAD
from trail.storage.filters import Filter, Window
from trail.storage.inside import Inside
from trail.storage.where import Selection, literal, select, span

# Events queued as deliveries at a time.
BATCH_SIZE = 500
# Messages of one replay, which are stored in the outbox until they are sent.
MAX_REPLAY = 100_000
_REPLAY_CHUNK = 5_000


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
            return 0  # the subscription changed in the meantime
        items = [(str(row["event_id"]), _payload(row)) for row in accepted]
        number = deliveries.enqueue_all(cursor, destination.destination_id, "event", items, now)
        last = rows[-1] if len(rows) == BATCH_SIZE else None
        _move_cursor(cursor, destination, newest, last, len(rows) - len(accepted))
        return number

    return store.write(enqueue)


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay sends: events by time of the event, other messages by time of creation.

    `first` and `last` (naive UTC) are the times of the first and last of them, None without any.
    """

    events: int = 0
    messages: int = 0
    first: dt.datetime | None = None
    last: dt.datetime | None = None

    @property
    def total(self) -> int:
        """Return the number of deliveries."""
        return self.events + self.messages

    def text(self) -> str:
        """Return what would be sent in one sentence."""
        if not self.first or not self.last:
            return "Nothing was sent in this period."
        span = f"from {utc_text(self.first)} to {utc_text(self.last)}"
        return (
            f"{self.events:,} event{'' if self.events == 1 else 's'} and {self.messages:,} other "
            f"message{'' if self.messages == 1 else 's'} {span} would be sent again."
        )


def days(first: dt.date, last: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return start and end (naive UTC, end exclusive) of the UTC days *first* to *last*."""
    midnight = dt.time()
    end = dt.datetime.combine(last, midnight) + dt.timedelta(days=1)
    return dt.datetime.combine(first, midnight), end


def span_text(since: dt.datetime, until: dt.datetime | None) -> str:
    """Return the period of a replay for the access log."""
    return f"from {utc_text(since)}" + (f" to {utc_text(until)}" if until else "")


def count_replay(
    engine: Engine,
    destination: Destination,
    since: dt.datetime,
    now: dt.datetime,
    until: dt.datetime | None = None,
) -> Replay:
    """Return what `replay` would queue now; takes and raises the same.

    *engine* reads both tiers (`tiers.both`), so that archived days are counted.
    """
    result = Replay()
    for items in _replayed(engine, destination, since, now, until):
        result = _added(result, items)
    return result


def replay(
    cursor: Cursor,
    engine: Engine,
    destination_id: int,
    since: dt.datetime,
    now: dt.datetime,
    until: dt.datetime | None = None,
    *,
    confirmed: int | None = None,
) -> int:
    """Queue again what a destination was sent from *since* to before *until*; return the number.

    All times are naive UTC. Events of a stream are chosen by when they occurred, in that order and
    with the current filter, other messages of the log by when they were created. What still waits
    to be sent is not queued twice. *engine* reads both tiers as they are before the transaction of
    *cursor*: nobody else writes meanwhile. Raises `InputError` if the number differs from
    *confirmed*, or exceeds `MAX_REPLAY`, and `UnavailableError` if an archived day cannot be read.
    """
    done = Replay()
    destination = destinations.get(Inside(cursor), destination_id)
    for items in _replayed(engine, destination, since, now, until):
        kinds = itertools.groupby(items, key=lambda item: item.kind)
        for kind, group in kinds:
            pairs = [(item.key, item.payload) for item in group]
            deliveries.enqueue_all(cursor, destination_id, kind, pairs, now)
        done = _added(done, items)
    if confirmed is not None and done.total != confirmed:
        raise InputError(
            f"The number to send changed from {confirmed:,} to {done.total:,}.",
            "Count again and confirm the new number.",
        )
    return done.total


@dataclass(frozen=True, slots=True)
class _Item:
    kind: str
    key: str
    payload: Mapping[str, Any]
    at: dt.datetime


def _added(replay: Replay, items: list[_Item]) -> Replay:
    times = [item.at for item in items]
    events = sum(item.kind == "event" for item in items)
    total = Replay(
        replay.events + events,
        replay.messages + len(items) - events,
        min(filter(None, [replay.first, *times])),
        max(filter(None, [replay.last, *times])),
    )
    if total.total > MAX_REPLAY:
        raise InputError(
            f"More than {MAX_REPLAY:,} messages would be sent again.",
            "Choose a shorter period, and repeat it for the rest.",
        )
    return total


def _replayed(
    engine: Engine,
    destination: Destination,
    since: dt.datetime,
    now: dt.datetime,
    until: dt.datetime | None,
) -> Iterator[list[_Item]]:
    """Yield what a replay queues, in order and in chunks that are not empty."""
    last: dict[str, Any] | None = None
    if destination.streams:
        tiers.require_whole(engine, Window(since, until), "Then count again.")
    while destination.streams:
        rows = _past_events(engine, destination, since, now, until, last)
        if chunk := [
            _Item("event", str(row["event_id"]), _payload(row), row["occurred_at"])
            for row in rows
            if _is_accepted(destination, row)
        ]:
            yield chunk
        if len(rows) < _REPLAY_CHUNK:
            break
        last = rows[-1]
    newest = 0
    # Those that a replay adds have later IDs and are not 'sent' yet.
    while rows := _past_messages(engine, destination, since, until, newest):
        yield [
            _Item(row["kind"], row["key"], json.loads(row["payload"]), row["created_at"])
            for row in rows
        ]
        newest = rows[-1]["delivery_id"]


def _past_events(
    engine: Engine,
    destination: Destination,
    since: dt.datetime,
    now: dt.datetime,
    until: dt.datetime | None,
    last: Mapping[str, Any] | None,
) -> list[dict[str, Any]]:
    """Return the next events that the stream has passed and that do not wait for delivery."""
    chosen = _selection(engine, destination, now)
    ahead, params = _after_cursor(destination)
    # Parts of the archive before the last event need not be read again.
    window = Window(last["occurred_at"] if last else since, until)
    parts = [span(window, "e.occurred_at"), chosen.timed(), f"not ({ahead})"]
    if last is not None:
        time = literal(last["occurred_at"])
        parts.append(
            f"(e.occurred_at > {time} or e.occurred_at = {time} and e.event_id > $last_id)"
        )
        params = {**params, "last_id": last["event_id"]}
    parts.append(
        "not exists (select 1 from deliveries d where d.destination_id = $destination "
        "and d.kind = 'event' and d.state in ('waiting', 'sending') and d.key = e.event_id)"
    )
    inner = (
        f"select {STAR}, e.raw, e.echo from events e where {' and '.join(parts)} "
        f"order by e.occurred_at, e.event_id limit {_REPLAY_CHUNK}"
    )
    sql = f"{join_names(inner, ', raw, echo')} order by occurred_at, event_id"
    result: list[dict[str, Any]] = engine.table(
        sql, {**chosen.params, **params, "destination": destination.destination_id}
    ).to_pylist()
    return result


def _past_messages(
    engine: Engine,
    destination: Destination,
    since: dt.datetime,
    until: dt.datetime | None,
    newest: int,
) -> list[dict[str, Any]]:
    """Return the next deliveries of the log that ended, without events of a stream."""
    result: list[dict[str, Any]] = engine.table(
        "select delivery_id, kind, key, payload, created_at from deliveries "
        "where destination_id = $id and created_at >= $since "
        "and ($until is null or created_at < $until) and state in ('sent', 'dead') "
        "and not ($streams and kind = 'event') and delivery_id > $newest "
        f"order by delivery_id limit {_REPLAY_CHUNK}",
        {
            "id": destination.destination_id,
            "since": since,
            "until": until,
            "streams": destination.streams,
            "newest": newest,
        },
    ).to_pylist()
    return result


_PAYLOAD_COLUMNS = (*MESSAGE_COLUMNS, "echo")


def _payload(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _PAYLOAD_COLUMNS}


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


def _selection(engine: Engine, destination: Destination, now: dt.datetime) -> Selection:
    # A relative range ends now, but the clock of a source may be a little ahead.
    moment = now.replace(tzinfo=dt.UTC) + AHEAD
    return select(engine, Filter.parse(destination.query), moment)


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
