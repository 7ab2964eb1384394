"""Splunk: batches to a collector written from the contract of HEC."""

import datetime as dt
import json

import pytest

from forwarders.splunk_hec import judge
from tests.conftest import Load
from tests.forwarders.siem_servers import (
    POISON,
    Splunk,
    dead,
    send_all,
    stream_to,
    url,
    using,
)
from tests.receiver import Receiver
from tests.segment_records import forwarded, message_id, ndjson
from tests.trail.notifications.conftest import Clock, Make
from trail.core.model import Response
from trail.core.settings import Settings
from trail.notifications import destinations
from trail.storage.duckdb import Store


def test_events_arrive_in_batches_despite_failures(
    store: Store, make: Make, clock: Clock, sending: Settings, load: Load, receiver: Receiver
) -> None:
    server = receiver.respond = Splunk()
    receiver.failing = 0.3
    stream_to(store, "splunk_hec", {"url": url(receiver), "index": "audit"}, "token")
    load(ndjson(forwarded(n) for n in range(700)))
    send_all(make, using(sending), clock, store)
    assert server.ids == [message_id(n) for n in range(700)], "each once, in order"
    assert len(receiver.taken) < 15
    first = server.taken[0]
    at = dt.datetime.fromtimestamp(first["time"], dt.UTC)
    assert at == dt.datetime(2026, 11, 1, 8, 0, tzinfo=dt.UTC)
    assert (first["index"], first["sourcetype"]) == ("audit", "segment:audit")
    assert first["event"]["class_uid"] == 3004
    assert "raw_data" not in first["event"]


def test_invalid_event_becomes_a_dead_letter_and_the_others_arrive_once(
    store: Store, make: Make, clock: Clock, sending: Settings, load: Load, receiver: Receiver
) -> None:
    server = receiver.respond = Splunk()
    stream_to(store, "splunk_hec", {"url": url(receiver), "format": "ecs"}, "token")
    bad = (0, 17, 39)
    load(ndjson(forwarded(n, f"{POISON} {n}" if n in bad else "Space Modified") for n in range(40)))
    send_all(make, using(sending), clock, store)
    assert server.ids == [message_id(n) for n in range(40) if n not in bad]
    assert sorted(dead(store)) == [message_id(n) for n in bad]
    assert server.taken[0]["event"]["ecs"] == {"version": "8.17.0"}


def test_batch_that_is_too_large_is_sent_in_parts(
    store: Store, make: Make, clock: Clock, sending: Settings, load: Load, receiver: Receiver
) -> None:
    server = receiver.respond = Splunk(most_bytes=8_000)
    stream_to(store, "splunk_hec", {"url": url(receiver), "original": "include"}, "token")
    load(ndjson(forwarded(n, "x" * (9_000 if n == 20 else 10)) for n in range(40)))
    send_all(make, using(sending), clock, store)
    assert server.ids == [message_id(n) for n in range(40) if n != 20]
    assert dead(store) == [message_id(20)], "too large on its own"
    assert "raw_data" in server.taken[0]["event"]


@pytest.mark.parametrize(
    ("status", "body", "kind", "judged"),
    [
        (200, {"code": 0}, "ok", 3),
        (200, {"code": 8}, "retry", 1),
        (400, {"code": 6, "invalid-event-number": 9}, "", 0),
        (400, {"code": 7, "invalid-event-number": 0}, "refused", 1),
        (400, {"code": 10}, "refused", 1),
        (401, {"code": 2}, "unauthorised", 1),
        (403, {"code": 1}, "unauthorised", 1),
        (403, {"code": 4}, "unauthorised", 1),
        (403, {}, "retry", 1),
        (413, {}, "", 0),
        (429, {"code": 26}, "retry", 1),
        (503, {"code": 9}, "retry", 1),
    ],
)
def test_answer_is_judged_by_its_code(status: int, body: object, kind: str, judged: int) -> None:
    verdicts = judge(Response(status, {}, json.dumps(body).encode()), 3)
    assert [verdict.kind for verdict in verdicts] == [kind] * judged


def test_wrong_token_or_index_switches_off_and_loses_nothing(
    store: Store, make: Make, sending: Settings, load: Load, receiver: Receiver
) -> None:
    receiver.respond = Splunk(indexes=("other",))
    made = stream_to(store, "splunk_hec", {"url": url(receiver), "index": "audit"}, "token")
    load(ndjson(forwarded(n) for n in range(3)))
    make(using=using(sending)).run_once(until_done=True)
    now = destinations.get(store, made.destination_id)
    assert (now.state, now.reason) == ("off", "Splunk: The token may not write to this index.")
    assert dead(store) == []
