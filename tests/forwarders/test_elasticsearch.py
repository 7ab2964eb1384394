"""Elasticsearch and OpenSearch: batches to a server written from the contract of the bulk API."""

import base64
import datetime as dt
import random

import pytest

from forwarders.elasticsearch import FORWARDER, judge, request
from tests.conftest import Load
from tests.forwarders.siem_servers import (
    POISON,
    Elastic,
    dead,
    send_all,
    stream_to,
    url,
    using,
)
from tests.receiver import Receiver
from tests.segment_records import forwarded, message_id, ndjson
from tests.trail.notifications.conftest import Clock, Make
from trail.core.errors import InputError
from trail.core.model import Notification, Response
from trail.core.settings import Settings
from trail.notifications import delivery_log
from trail.storage.duckdb import Store

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
NOTICE = Notification("notice", "k", dt.datetime(2026, 11, 24), {"title": "T", "text": "X"})


def test_each_event_is_created_once_despite_failures(
    store: Store, make: Make, clock: Clock, sending: Settings, load: Load, receiver: Receiver
) -> None:
    busy = random.Random(5)
    server = receiver.respond = Elastic(busy=lambda: busy.random() < 0.02)
    receiver.failing = 0.2
    stream_to(store, "elasticsearch", {"url": url(receiver)}, "api_key")
    bad = (3, 333)
    names = {n: POISON if n in bad else "Space Modified" for n in range(600)}
    load(ndjson(forwarded(n, name) for n, name in names.items()))
    send_all(make, using(sending), clock, store)
    assert sorted(server.documents) == [message_id(n) for n in range(600) if n not in bad]
    assert sorted(dead(store)) == [message_id(n) for n in bad]
    (letter, _) = delivery_log.list_deliveries(store, state="dead")
    assert letter["answer"] == "The message was rejected (400). document_parsing_exception"
    found = server.documents[message_id(0)]
    assert found["@timestamp"] == "2026-11-01T08:00:00Z"
    assert found["event"]["dataset"] == "segment.audit"


def test_events_that_arrived_before_an_interruption_are_not_created_again(
    store: Store, make: Make, clock: Clock, sending: Settings, load: Load, receiver: Receiver
) -> None:
    server = receiver.respond = Elastic(index="audit")
    settings = {"url": url(receiver), "index": "audit", "format": "ocsf"}
    stream_to(store, "elasticsearch", settings, "api_key")
    load(ndjson(forwarded(n) for n in range(20)))
    server("/audit/_bulk?filter_path=errors,items.*.status,items.*.error.type", *_first(store))
    send_all(make, using(sending), clock, store)
    assert len(server.documents) == 20
    assert server.copies == 5
    assert dead(store) == []


def _first(store: Store) -> tuple[dict[str, str], bytes]:
    """Return the request for the first five events, as an interrupted attempt sent it."""
    rows = store.table("select event_id, occurred_at from events order by occurred_at limit 5")
    events = [
        Notification("event", row["event_id"], row["occurred_at"], row) for row in rows.to_pylist()
    ]
    secret = {"api_key": "secret-of-the-tests"}
    made = request(events, {"url": "https://elastic.example.com"}, secret, NOW)
    return {name.lower(): value for name, value in made.headers}, made.body


def test_credentials_are_an_api_key_or_a_password() -> None:
    settings = {"url": "https://elastic.example.com/prefix/", "user": "trail"}
    made = request([NOTICE], settings, {"password": "pw"}, NOW)
    assert made.url.startswith(
        "https://elastic.example.com/prefix/logs-segment.audit-default/_bulk"
    )
    assert dict(made.headers)["Authorization"] == f"Basic {base64.b64encode(b'trail:pw').decode()}"
    with pytest.raises(InputError, match="no credentials"):
        FORWARDER.request(NOTICE, settings, {}, NOW)


@pytest.mark.parametrize("index", ["A", "a/b", "a b", "..", "_a", "é", "a" * 201, "a?b"])
def test_invalid_index_is_refused(index: str) -> None:
    settings = {"url": "https://elastic.example.com", "index": index}
    with pytest.raises(InputError, match="invalid index"):
        request([NOTICE], settings, {"api_key": "k"}, NOW)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"items":[{}]}', b'{"items":[{"a":1}]}'])
def test_answer_of_another_service_is_tried_again(body: bytes) -> None:
    assert [verdict.kind for verdict in judge(Response(200, {}, body), 2)] == ["retry"]
