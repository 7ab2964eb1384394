"""A replay sends exactly what was counted, chosen by the time of the events."""

import datetime as dt
from pathlib import Path

import pytest

from tests import fixed_clock
from tests.conftest import Load
from tests.receiver import Receiver
from tests.segment_records import forwarded, message_id, ndjson
from tests.trail.cli.test_commands import InProcessTerminal
from tests.trail.notifications.conftest import Clock, Make, hook
from tests.trail.random_trail import event
from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.notifications import deliveries, delivery_log, destinations, event_streams
from trail.runtime import startup
from trail.storage.duckdb import Store

TICK = dt.timedelta(microseconds=1)
DISABLED = "Warehouse Disabled"


def names(*numbers: int) -> list[str]:
    return [f"event_{message_id(number)}" for number in numbers]


def occurred(store: Store, number: int) -> dt.datetime:
    rows = store.table(
        "select occurred_at from events where event_id = $id", {"id": message_id(number)}
    )
    at = rows["occurred_at"][0].as_py()
    assert isinstance(at, dt.datetime)
    return at


def test_exactly_what_was_counted_is_posted(
    store: Store, make: Make, clock: Clock, load: Load, receiver: Receiver, settings: Settings
) -> None:
    """Out-of-order arrivals, equal times at both bounds, filter, waiting and removed events."""
    yesterday, first, last = -600, 2, 12
    load(ndjson([forwarded(8, DISABLED), forwarded(300, DISABLED)]))  # before the destination
    number = hook(store, receiver.url, streams=True, query="kind=disable").destination_id
    load(ndjson([*(forwarded(n, DISABLED) for n in (9, 4, first, yesterday)), forwarded(5)]))
    twins = [
        forwarded(n + 70, DISABLED, originalTimestamp=at, timestamp=at)
        for n in (yesterday, first, last)
        for at in (forwarded(n)["originalTimestamp"],)
    ]
    load(ndjson([*twins, forwarded(last, DISABLED), forwarded(6, DISABLED)]))
    outbox = make()
    outbox.run_once(until_done=True)
    assert len(receiver.taken) == 9
    receiver.taken.clear()
    store.write(lambda cursor: destinations.set_state(cursor, number, "paused"))
    load(ndjson([forwarded(11, DISABLED)]))  # not forwarded yet, so not a part of a replay
    stream = destinations.get(store, number)

    def counted(since: dt.datetime, until: dt.datetime | None) -> int:
        return event_streams.count_replay(store, stream, since, clock(), until).total

    def replay(since: dt.datetime, until: dt.datetime | None, confirmed: int) -> int:
        return store.write(
            lambda cursor: event_streams.replay(
                cursor, store, number, since, clock(), until, confirmed=confirmed
            )
        )

    early, start, end = (occurred(store, n) for n in (yesterday, first, last))
    assert (counted(start, end), counted(start + TICK, end), counted(start, end + TICK)) == (
        6, 4, 8,
    )  # fmt: skip
    assert (counted(end, None), counted(end + TICK, None)) == (3, 1)
    assert counted(early, end) == 8
    of_day = settings.model_copy(
        update={"store": settings.store.model_copy(update={"retention_days": 1})}
    )
    fixed_clock.retain(store, of_day, dt.datetime(2026, 11, 2, 1, tzinfo=dt.UTC))
    with pytest.raises(InputError, match="changed from 8 to 6"):
        replay(early, end, 8)
    assert delivery_log.counts(store)[number] == {"sent": 9}
    assert (counted(early, end), replay(early, end, 6), counted(early, end)) == (6, 6, 0)
    store.write(lambda cursor: destinations.set_state(cursor, number, "on", now=clock()))
    outbox.run_once(until_done=True)
    assert sorted(receiver.good()[:2]) == sorted(names(first, first + 70))
    assert receiver.good()[2:] == names(4, 6, 8, 9, 11)


def test_without_stream_the_messages_of_the_log_are_sent_again(
    store: Store, make: Make, clock: Clock, receiver: Receiver
) -> None:
    number = hook(store, receiver.url).destination_id
    for key in ("old", "new"):
        notice = {"title": key, "text": "Text."}
        store.write(
            lambda cursor: deliveries.enqueue(cursor, number, "notice", key, notice, clock())
        )
        clock.move(60)
    outbox, since = make(), clock() - dt.timedelta(minutes=1)
    outbox.run_once(until_done=True)
    hooked = destinations.get(store, number)
    assert event_streams.count_replay(store, hooked, since, clock()).messages == 1
    assert (
        store.write(lambda cursor: event_streams.replay(cursor, store, number, since, clock())) == 1
    )
    outbox.run_once(until_done=True)
    assert receiver.good() == ["notice_old", "notice_new", "notice_new"]


def test_a_replay_has_a_limit(
    store: Store, clock: Clock, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(ndjson(forwarded(n) for n in range(12)))
    number = hook(store, "https://hooks.example.com/", streams=True).destination_id
    monkeypatch.setattr(event_streams, "_REPLAY_CHUNK", 5)
    start = dt.datetime(2026, 11, 1)
    monkeypatch.setattr(event_streams, "MAX_REPLAY", 12)
    stream = destinations.get(store, number)
    assert event_streams.count_replay(store, stream, start, clock()).total == 12
    monkeypatch.setattr(event_streams, "MAX_REPLAY", 11)
    with pytest.raises(InputError, match="More than 11"):
        store.write(lambda cursor: event_streams.replay(cursor, store, number, start, clock()))
    assert delivery_log.counts(store) == {}


def test_the_command_counts_and_sends_only_with_yes(tmp_path: Path) -> None:
    terminal = InProcessTerminal(tmp_path)
    at = (utc_now() - dt.timedelta(hours=5)).isoformat()
    terminal.run("load", terminal.write("in.ndjson", event("a", dt.datetime.fromisoformat(at))))
    settings = Settings(store=StoreSettings(path=terminal.database))
    opened = Store.open(terminal.database, settings)
    hook(opened, "https://hooks.example.com/", streams=True, name="Pager")
    opened.close()
    words = ("replay", "pager", "--from", at)
    assert terminal.json(*words) == {
        "destination": "Pager", "events": 1, "messages": 0, "first": f"{at}Z", "last": f"{at}Z",
        "queued": False,
    }  # fmt: skip
    assert "To send, add --yes." in terminal.run(*words)[0]
    assert terminal.json(*words, "--yes")["queued"] is True
    assert terminal.json(*words)["events"] == 0
    assert "Unknown destination 'x'" in terminal.run("replay", "x", "--from", at, code=1)[1]
    opened = startup.open_real(settings)
    assert [row["state"] for row in delivery_log.list_deliveries(opened)] == ["waiting"]
    opened.close()
