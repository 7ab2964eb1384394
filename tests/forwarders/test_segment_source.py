"""A Segment source: what is sent is read back by our own `/v1/batch` and `/v1/track`, whole."""

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
from trail.storage.database import Store

KEY = "write-key-of-the-tests"
NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
PUSH = Settings(push={"write_keys": (SecretStr(KEY),)})
SAME = [
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


def request(event: dict[str, Any], **given: str) -> Request:
    parcel = Notification("event", str(event["event_id"]), NOW.replace(tzinfo=None), event)
    return FORWARDER.request(parcel, given, {"write_key": KEY}, NOW)


def taken(sent: Request) -> bytes:
    """Return the one record that our own receiver reads from a request."""
    headers = tuple((name.lower(), value) for name, value in sent.headers)
    path = "/" + sent.url.split("/", 3)[3]
    result = LOADER.read(Sent(path, headers, sent.body), PUSH)
    assert result.named
    assert result.verified == (True,)
    return result.records[0]


@pytest.mark.parametrize("name", ["action", "audit"])
def test_all_fields_come_back(
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
        taken(request({**{c: row[c] for c in EVENT_COLUMNS}, "echo": False}, event_name=name))
        for row in before
    ]
    again = Store.open(tmp_path / "again.duckdb", settings)
    assert load(ndjson(records), into=again).kept == 9
    after = rows(again)
    again.close()
    for was, now in zip(before, after, strict=True):
        for field in SAME:
            assert now[field] == was[field], (was["action_raw"], field)
        assert json.loads(now["raw"])["event"] == (was["action"] if name == "action" else "Audit")
    message = json.loads(after[0]["raw"])["properties"]["details"]
    assert message["description"] == details["description"], "what the record had beyond is kept"


def test_a_batch_of_them_is_read_too(store: Store, load: Load, settings: Settings) -> None:
    load(ndjson(forwarded(n) for n in range(50)))
    calls = [json.loads(request(row).body) for row in rows(store)]
    body = json.dumps({"batch": calls, "writeKey": KEY}).encode()
    result = LOADER.read(Sent("/v1/batch", (), body), PUSH)
    assert [json.loads(record)["messageId"] for record in result.records] == [
        row["event_id"] for row in rows(store)
    ]


def test_where_it_goes_and_how_it_signs() -> None:
    event = {"event_id": "e", "action": "Source Created", "occurred_at": "2026-11-24T00:00:00Z"}
    assert request(event).url == "https://api.segment.io/v1/track"
    assert request(event, region="eu").url == "https://events.eu1.segmentapis.com/v1/track"
    own = request(event, url="https://trail.example.com/")
    assert own.url == "https://trail.example.com/v1/track"
    assert dict(own.headers)["Authorization"] == (
        "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
    )


def test_what_is_too_long_is_cut_and_says_so() -> None:
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
    sent = request(event)
    assert len(sent.body) <= EVENT_BYTES
    call = json.loads(taken(sent))
    assert call["properties"]["shortened"] is True
    assert call["properties"]["details"]["resource_id"] == "s1"
    assert len(call["messageId"]) < 100


def test_what_would_go_round_for_ever_is_never_sent(store: Store, load: Load) -> None:
    load(ndjson([new_event_allowed(1), forwarded(2), forwarded(3, details={"source_id": "other"})]))
    result = store.table("select r.*, e.echo from event_rows r join events e using (event_id)")

    def takes(number: int, **settings: str) -> bool:
        event = sorted(result.to_pylist(), key=lambda row: row["occurred_at"])[number]
        return FORWARDER.accepts(Notification("event", "k", NOW, event), settings)

    assert not takes(0), "an echo of our own event"
    assert takes(1)
    assert not takes(1, source="LAn9KpdvNZ"), "about the source itself, by its id"
    assert not takes(1, source="Web shop"), "or its name"
    assert takes(2, source="some-other")
    assert not takes(2, source="other"), "or named among the details"
