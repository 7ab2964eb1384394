"""Segment source: sent events are read back through `/v1/batch` and `/v1/track` without loss."""

import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from forwarders.segment_source import EVENT_BYTES, FORWARDER
from loaders.tracking_api import LOADER
from tests.conftest import Load, rows
from tests.segment_records import api_event, forwarded, ndjson, new_event_allowed, permission_check
from trail.core.model import EVENT_COLUMNS, Notification, Request, Sent
from trail.core.settings import Settings
from trail.storage.duckdb import Store

KEY = "write-key-of-the-tests"
NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
PUSH = Settings(push={"write_keys": (SecretStr(KEY),)})
PRESERVED_FIELDS = [
    "event_id",
    "occurred_at",
    "action",
    "action_raw",
    "category",
    "kind",
    "outcome",
    "actor_id",
    "actor_type",
    "actor_email",
    "target_type",
    "target_id",
    "target_name",
    "workspace_id",
]


def build_request(event: dict[str, Any], **settings: str) -> Request:
    notification = Notification("event", str(event["event_id"]), NOW.replace(tzinfo=None), event)
    return FORWARDER.request(notification, settings, {"write_key": KEY}, NOW)


def read_back(sent: Request) -> bytes:
    """Return the record that the Tracking API loader reads from a request."""
    headers = tuple((name.lower(), value) for name, value in sent.headers)
    path = "/" + sent.url.split("/", 3)[3]
    result = LOADER.read(Sent(path, headers, sent.body), PUSH)
    assert result.named
    assert result.verified == (True,)
    return result.records[0]


@pytest.mark.parametrize("name", ["action", "audit"])
def test_fields_survive_the_round_trip(
    store: Store, settings: Settings, load: Load, tmp_path: Path, name: str
) -> None:
    details = {"subject_email": "mara@example.com", "description": "`Order` set to block"}
    load(
        ndjson(
            [
                forwarded(1, "Warehouse Disabled", details=details),
                api_event(2, "Source Deleted"),
                permission_check(3),
                forwarded(4, "Something Never Seen", details={"target": 'a "b" ünï\u2028'}),
                forwarded(5, timestamp="2026-11-01T08:05:00.123456Z"),
                forwarded(6, userId="__system__", without=("details.subject",)),
                forwarded(7, details={"subject": "tokens/t1"}),
                forwarded(8, details={"subject": "somebody/else"}),
                api_event(9, actorEmail="", actor="tokens/t2"),
            ]
        )
    )
    before = rows(store)
    assert len(before) == 9
    records = [
        read_back(
            build_request({**{c: row[c] for c in EVENT_COLUMNS}, "echo": False}, event_name=name)
        )
        for row in before
    ]
    second_store = Store.open(tmp_path / "again.duckdb", settings)
    assert load(ndjson(records), into=second_store).kept == 9
    after = rows(second_store)
    second_store.close()
    for original, received in zip(before, after, strict=True):
        for field in PRESERVED_FIELDS:
            assert received[field] == original[field], (original["action_raw"], field)
        assert json.loads(received["raw"])["event"] == (
            original["action"] if name == "action" else "Audit"
        )
    message = json.loads(after[0]["raw"])["properties"]["details"]
    assert message["description"] == details["description"], "other details are kept"


def test_batch_of_calls_can_be_read_back(store: Store, load: Load, settings: Settings) -> None:
    load(ndjson(forwarded(n) for n in range(50)))
    calls = [json.loads(build_request(row).body) for row in rows(store)]
    body = json.dumps({"batch": calls, "writeKey": KEY}).encode()
    result = LOADER.read(Sent("/v1/batch", (), body), PUSH)
    assert [json.loads(record)["messageId"] for record in result.records] == [
        row["event_id"] for row in rows(store)
    ]


def test_url_and_authorization() -> None:
    event = {"event_id": "e", "action": "Source Created", "occurred_at": "2026-11-24T00:00:00Z"}
    assert build_request(event).url == "https://api.segment.io/v1/track"
    assert build_request(event, region="eu").url == "https://events.eu1.segmentapis.com/v1/track"
    custom = build_request(event, url="https://trail.example.com/")
    assert custom.url == "https://trail.example.com/v1/track"
    assert dict(custom.headers)["Authorization"] == (
        "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
    )


def test_oversized_event_is_truncated_and_marked() -> None:
    details = {f"key{n}": "ü" * 900 for n in range(100)}
    event = {
        "event_id": "x" * 300,
        "occurred_at": "2026-11-24T00:00:00Z",
        "action": "Source Modified",
        "action_raw": "Source Modified",
        "target_id": "s1",
        "target_name": "n" * 90_000,
        "raw": json.dumps({"properties": {"details": details}}),
    }
    sent = build_request(event)
    assert len(sent.body) <= EVENT_BYTES
    call = json.loads(read_back(sent))
    assert call["properties"]["shortened"] is True
    assert call["properties"]["details"]["resource_id"] == "s1"
    assert len(call["messageId"]) < 100


def test_echoes_and_events_about_the_source_are_not_sent(store: Store, load: Load) -> None:
    load(ndjson([new_event_allowed(1), forwarded(2), forwarded(3, details={"source_id": "other"})]))
    result = store.table("select r.*, e.echo from event_rows r join events e using (event_id)")

    def accepts(number: int, **settings: str) -> bool:
        event = sorted(result.to_pylist(), key=lambda row: row["occurred_at"])[number]
        return FORWARDER.accepts(Notification("event", "k", NOW, event), settings)

    assert not accepts(0), "an echo of a forwarded event"
    assert accepts(1)
    assert not accepts(1, source="LAn9KpdvNZ"), "about the receiving source, by ID"
    assert not accepts(1, source="Web shop"), "by name"
    assert accepts(2, source="some-other")
    assert not accepts(2, source="other"), "by ID in the details"
