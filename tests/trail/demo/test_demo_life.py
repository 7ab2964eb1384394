"""Events of the demo workspace: consistent lifecycles, and every planted story."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from trail.core.catalogue import resolve
from trail.demo import STORIES, write
from trail.demo.actions import ACTS, CREATE, DELETE
from trail.demo.failures import BACKOFF_MINUTES
from trail.demo.stage import CARELESS, CAST, DORMANT, EGRESS, LEAVER, REMOVED, WEEKENDER

END = datetime(2026, 11, 24, tzinfo=UTC)
CREATES = {act.name for act in ACTS if act.operation == CREATE}
DELETES = {act.name for act in ACTS if act.operation == DELETE}


@dataclass(frozen=True, slots=True)
class Event:
    """The fields that both record formats have."""

    at: datetime
    action: str
    actor: str
    target_id: str
    target: str
    by_api: bool


def read(out: Path) -> Iterator[Event]:
    """Yield the events of a file."""
    for line in out.read_text(encoding="utf-8").splitlines():
        r = json.loads(line)
        at = datetime.fromisoformat(r["timestamp"])
        if "event" not in r:
            action = resolve(r["type"]).name
            yield Event(at, action, r["actor"], r["resourceId"], r["resourceName"], True)
            continue
        details = r["properties"]["details"]
        # A Permission Check has its subject in another field.
        actor = details.get("subject", f"users/{details.get('subject_id')}")
        if r["userId"] == "__system__" and "subject" not in details:
            actor = "__system__"
        action = resolve(r["properties"]["type"]).name
        target = details.get("target", "")
        yield Event(at, action, actor, details["resource_id"], target, False)


def ids_of_cast(out: Path) -> list[str]:
    """Return the actor ids of the cast, by e-mail address."""
    result: dict[str, str] = {}
    for line in out.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if "actorEmail" in record:
            result[record["actorEmail"]] = record["actor"]
        details = record.get("properties", {}).get("details", {})
        if "subject_email" in details:
            result[details["subject_email"]] = details["subject"]
    return [result[f"{name.lower().replace(' ', '.')}@example.com"] for name, _, _ in CAST]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One workspace on disk."""
    path = tmp_path_factory.mktemp("demo") / "demo.ndjson"
    write(path, events=5_000, seed=3, end=END)
    return path


@pytest.fixture(scope="module")
def events(out: Path) -> list[Event]:
    """Return its events."""
    return list(read(out))


@pytest.fixture(scope="module")
def cast(out: Path) -> list[str]:
    """Return the actors of its stories."""
    return ids_of_cast(out)


def did(events: list[Event], actor: str, action: str) -> list[Event]:
    """Return the events of *actor* with *action*."""
    return [e for e in events if e.actor == actor and e.action == action]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_deleted_targets_are_never_used_again(tmp_path: Path, seed: int) -> None:
    write(tmp_path / "demo", events=4_000, days=60, seed=seed, end=END)
    seen: set[str] = set()
    dead: set[str] = set()
    born = 0
    for event in read(tmp_path / "demo"):
        assert event.target_id not in dead
        if event.action in CREATES:
            assert event.target_id not in seen
            born += 1
        if event.action in DELETES:
            dead.add(event.target_id)
        seen.add(event.target_id)
    assert born > 30
    assert len(dead) > 30


def test_enable_events_follow_disable_events(events: list[Event]) -> None:
    off: set[str] = set()
    for event in events:
        if event.action.endswith("Disabled"):
            assert event.target_id not in off
            off.add(event.target_id)
        elif event.action.endswith("Enabled"):
            off.remove(event.target_id)


def test_channels_never_report_the_same_event_twice(events: list[Event]) -> None:
    last: dict[tuple[str, str, str], Event] = {}
    for event in events:
        key = (event.actor, event.action, event.target_id)
        before = last.get(key)
        if before and event.at - before.at <= timedelta(seconds=2):
            assert before.by_api == event.by_api
        last[key] = event


def test_failed_runs_are_retried_with_backoff(events: list[Event]) -> None:
    attempts = defaultdict(list)
    for event in events:
        if event.action == "Audience Run Failed":
            attempts[event.target_id].append(event.at)
    gaps = [later - earlier for times in attempts.values() for earlier, later in pairwise(times)]
    assert any(timedelta(seconds=50) < gap < timedelta(minutes=10) for gap in gaps)


def test_stories_have_unique_names_and_a_sentence() -> None:
    assert len({story.name for story in STORIES}) == len(STORIES) == 8
    assert all(story.sentence.endswith(".") for story in STORIES)


def test_dormant_return(events: list[Event], cast: list[str]) -> None:
    own = [e for e in events if e.actor == cast[DORMANT]]
    night = [e for e in own if e.at > END - timedelta(days=7)]
    assert [e.action for e in night] == [
        "Warehouses Disabled",
        "Warehouse Credential Deleted",
        "Destination Filters Deleted",
        "Destination Filters Deleted",
    ]
    assert night[0].target == "Snowflake prod"
    assert all(e.at.hour == 1 for e in night)
    earlier = own[: -len(night)]
    assert len(earlier) > 5
    assert night[0].at - earlier[-1].at > timedelta(days=21)


def test_token_strays(events: list[Event]) -> None:
    own = [e for e in events if e.actor == "tokens/tok_nightly_export"]
    strange = [e.action for e in own if e.action != "Audience Run Forced"]
    assert strange == [
        "Subjects Added to Group",
        "Integrations Created",
        "Source Settings Modified",
    ]
    assert len(own) > 30


def test_filter_then_egress(events: list[Event], cast: list[str]) -> None:
    deleted = next(
        e
        for e in did(events, cast[EGRESS], "Destination Filters Deleted")
        if e.target == "Only consented → Amplitude"
    )
    created = next(
        e
        for e in did(events, cast[EGRESS], "Integrations Created")
        if e.target == "Webhooks – analytics mirror"
    )
    assert timedelta(0) < created.at - deleted.at < timedelta(hours=1)


def test_leaving_downloads(events: list[Event], cast: list[str]) -> None:
    burst = did(events, cast[LEAVER], "Audience CSV Downloaded")
    assert len({e.target_id for e in burst}) == 14
    assert burst[-1].at - burst[0].at < timedelta(minutes=30)
    removed = [e for e in events if e.target == "tomasz.wrona@example.com"]
    assert removed[-1].action == "User Removed"
    assert removed[-1].at > burst[-1].at


def test_warehouse_breaks(events: list[Event], cast: list[str]) -> None:
    failed = [
        e
        for e in events
        if (e.target, e.action) == ("BigQuery marketing", "Warehouse Run Failed")
        and e.at > END - timedelta(days=7)
    ]
    edits = did(events, cast[CARELESS], "Warehouses Modified")
    gaps = [e.at - edit.at for edit in edits for e in failed]
    assert timedelta(minutes=12) in gaps
    assert len(failed) >= 3 * len(BACKOFF_MINUTES)
    assert failed[-1].at > END - timedelta(hours=7)


def test_sync_storm(events: list[Event]) -> None:
    failed = [e for e in events if e.action == "Audience Destination Sync Failed"]
    begin = datetime(2026, 11, 18, 13, 0, tzinfo=UTC)
    storm = [e for e in failed if begin < e.at < begin + timedelta(minutes=12)]
    assert len({e.target_id for e in storm}) >= 40


def test_removed_acts(events: list[Event], cast: list[str]) -> None:
    removed = next(
        e for e in events if (e.action, e.target) == ("User Removed", "priya.raman@example.com")
    )
    assert cast[REMOVED] == f"users/{removed.target_id}"
    after = [e.action for e in events if e.actor == cast[REMOVED] and e.at > removed.at]
    assert after == ["Audience Modified", "Audience CSV Downloaded"]


def test_nobody_else_acts_after_being_removed(events: list[Event], cast: list[str]) -> None:
    removed: set[str] = set()
    for event in events:
        if event.action == "User Removed":
            removed.add(f"users/{event.target_id}")
        assert event.actor not in removed - {cast[REMOVED]}
    assert {cast[LEAVER], cast[REMOVED]} < removed


def test_weekend_disconnect(events: list[Event], cast: list[str]) -> None:
    result = [
        e
        for e in did(events, cast[WEEKENDER], "Source Disconnected From Tracking Plan")
        if e.target == "Web checkout v4" and e.at.weekday() == 5
    ]
    assert len(result) == 1
    assert result[0].at > END - timedelta(days=7)


@pytest.mark.parametrize("later", range(7))
def test_stories_are_in_the_last_week_for_any_weekday(tmp_path: Path, later: int) -> None:
    end = END + timedelta(days=later)
    write(tmp_path / "demo", events=1_000, days=21, end=end)
    targets = {
        "Only consented → Amplitude": "Destination Filters Deleted",
        "Webhooks – analytics mirror": "Integrations Created",
        "Webhooks – backup": "Integrations Created",
        "priya.raman@example.com": "User Removed",
        "Web checkout v4": "Source Disconnected From Tracking Plan",
        "BigQuery marketing": "Warehouse Run Failed",
        "Snowflake prod": "Warehouses Enabled",
    }
    week = [e for e in read(tmp_path / "demo") if e.at >= end - timedelta(days=7)]
    for target, action in targets.items():
        assert any((e.target, e.action) == (target, action) for e in week), target
