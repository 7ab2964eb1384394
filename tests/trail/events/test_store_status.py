"""Counts of the stored events, and quarantined records."""

import datetime as dt
import json

from tests.conftest import Load
from tests.trail.random_trail import event
from trail.events import store_status
from trail.storage.duckdb import Store


def test_status_of_an_empty_store(store: Store) -> None:
    assert store_status.status(store) == {
        "events": 0,
        "archived": 0,
        "unverified": 0,
        "future_dated": 0,
        "oldest": None,
        "newest": None,
        "last_arrival": None,
        "batches": 0,
        "duplicates": 0,
        "linked": 0,
        "quarantined": 0,
        "unknown_actions": 0,
    }


def test_status_adds_up_all_loads(store: Store, load: Load) -> None:
    good = [event("a", "2026-10-02T01:02:03.5"), event("b", "2026-10-01", "Gizmo Calibrated")]
    before = dt.datetime.now(dt.UTC)
    load("\n".join([*good, good[0], "{broken"]).encode())
    load(good[1].encode())
    result = store_status.status(store)
    arrival = dt.datetime.fromisoformat(result.pop("last_arrival"))
    assert before <= arrival <= dt.datetime.now(dt.UTC)
    assert result == {
        "events": 2,
        "archived": 0,
        "unverified": 0,
        "future_dated": 0,
        "oldest": "2026-10-01T00:00:00Z",
        "newest": "2026-10-02T01:02:03.500000Z",
        "batches": 2,
        "duplicates": 2,
        "linked": 0,
        "quarantined": 1,
        "unknown_actions": 1,
    }


def test_quarantined_records_are_in_line_order(store: Store, load: Load) -> None:
    untimed = json.dumps({"id": "x", "type": "Source Created", "timestamp": "soon"})
    first = load("\n".join([event("a", "2026-10-01"), untimed, "{broken"]).encode())
    second = load(f"{event('b', '2026-10-01')}\n[".encode())
    assert first.batch_id and second.batch_id
    refused = store_status.quarantined(store, first.batch_id)
    assert [(row["line"], row["raw"]) for row in refused] == [
        (2, untimed.encode()),
        (3, b"{broken"),
    ]
    assert refused[0]["reason"] == "Time not understood: soon"
    assert refused[1]["reason"].startswith("Not JSON")
    assert [row["raw_bytes"] for row in refused] == [len(untimed), 7]
    assert [row["raw"] for row in store_status.quarantined(store, second.batch_id)] == [b"["]
    assert store_status.quarantined(store, 99) == []
