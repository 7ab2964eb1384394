"""Events keep arriving in the demo: what is due, once each, and the time is covered."""

import datetime as dt
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trail import random_trail
from trail.core.clock import utc_now
from trail.core.sections import Demo
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.events import coverage
from trail.runtime import demo_feed
from trail.runtime.demo_feed import NAME, DemoFeed
from trail.runtime.job import JobContext
from trail.storage.duckdb import Store

START = dt.datetime(2026, 11, 24, 10)
MINUTE = dt.timedelta(minutes=1)


def line(number: int, at: dt.datetime, action: str = "New Event Allowed") -> str:
    """Return a generated line, by default of a routine event."""
    details = {"resource_id": "s1", "resource_type": "source", "target": "Web"}
    return json.dumps(
        {
            "event": "Audit",
            "messageId": f"api-{number}",
            "timestamp": f"{at.isoformat(timespec='milliseconds')}Z",
            "type": "track",
            "userId": "__system__",
            "properties": {"details": details, "type": action, "workspace_id": "w1"},
        },
        separators=(",", ":"),
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a database covered until START, with an event every ten minutes beside it."""
    opened = random_trail.store_of(tmp_path, [random_trail.event("old", START - MINUTE)])
    demo_feed.path_of(opened.path).write_text(
        "".join(f"{line(n, START + (n - 3) * 10 * MINUTE)}\n" for n in range(12))
    )
    opened.write(
        lambda cursor: coverage.note(cursor, NAME, coverage.WATCHED, START - 60 * MINUTE, START)
    )
    yield opened
    opened.close()


def feed_of(store: Store, **demo: bool) -> DemoFeed | None:
    settings = Settings(store=StoreSettings(path=store.path), demo=Demo(**demo))
    return DemoFeed.of(store, settings)


def required(store: Store) -> DemoFeed:
    feed = feed_of(store)
    assert feed
    return feed


def kept(store: Store) -> list[str]:
    return store.table(
        "select event_id from events join batches using (batch_id) where loader = $name "
        "order by event_id",
        {"name": NAME},
    )["event_id"].to_pylist()


def test_what_is_due_arrives_once(store: Store) -> None:
    feed = required(store)
    assert feed.collect(START + 25 * MINUTE) == 2
    assert feed.collect(START + 25 * MINUTE) == 0
    assert feed.collect(START + 45 * MINUTE) == 2
    assert [identifier[-1] for identifier in kept(store)] == ["4", "5", "6", "7"]
    assert coverage.gaps(store, NAME, START - 60 * MINUTE, START + 45 * MINUTE) == []


def test_a_restart_fills_the_time_between(store: Store) -> None:
    required(store).collect(START + 15 * MINUTE)
    assert required(store).collect(START + 55 * MINUTE) == 4
    assert len(kept(store)) == 5
    assert coverage.gaps(store, NAME, START - 60 * MINUTE, START + 55 * MINUTE) == []


def test_a_routine_event_arrives_between(store: Store) -> None:
    feed = required(store)
    feed.collect(START)
    for number in range(1, 4):
        assert feed.collect(START + number * MINUTE, repeat=True) == 1
    assert len(kept(store)) == 3
    counts = store.table("select read, kept, quarantined from batches where loader = 'demo'")
    assert counts.to_pylist() == [{"read": 3, "kept": 3, "quarantined": 0}]


def test_events_go_on_when_the_file_has_ended(store: Store) -> None:
    feed = required(store)
    feed.collect(START + 300 * MINUTE)
    assert feed.collect(START + 301 * MINUTE, repeat=True) == 1


def test_only_a_live_demo_has_a_feed(store: Store) -> None:
    assert feed_of(store, live=False) is None
    demo_feed.path_of(store.path).unlink()
    assert feed_of(store) is None


def test_the_job_ends_where_another_database_is_shown(store: Store, tmp_path: Path) -> None:
    shown = [store]
    feed = DemoFeed(store, Settings(), random.Random(1))
    context = JobContext(Settings(), lambda: shown[0], lambda: store, threading.Event())
    (job,) = demo_feed.jobs(context, feed)
    assert "new" in job.run(job)
    assert 20 <= job.health.every_s <= 60
    assert coverage.known_until(store, utc_now()) is not None
    before = kept(store)
    (tmp_path / "other").mkdir()
    shown[0] = random_trail.store_of(tmp_path / "other", [])
    assert "Ended" in job.run(job)
    assert kept(store) == before
    shown[0].close()


def test_without_a_feed_there_is_no_job(store: Store) -> None:
    context = JobContext(Settings(), lambda: store, lambda: store, threading.Event())
    assert demo_feed.jobs(context, None) == []
