"""When actors were seen, and access was removed, on archived days: also of earlier versions."""

import datetime as dt
from pathlib import Path

import pytest

from tests import fixed_clock
from tests.conftest import Load
from tests.trail.random_trail import event
from tests.trail.retention.test_policy import (
    CUTOFF,
    DAY,
    NOW,
    assert_actor_times,
    text,
    with_archive,
)
from trail.core.model import Directory, Person
from trail.core.settings import Settings
from trail.events import coverage, store_status
from trail.ingest import directory
from trail.retention import legal_holds
from trail.storage import archive_place, cold_changes, cold_times, cold_views, tiers
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

_DAYS = 3


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return with_archive(tmp_path)


@pytest.fixture
def archived(store: Store, settings: Settings, load: Load) -> Store:
    """Return the store with events of three actors on archived days, and later ones."""
    rows = []
    for day in (*range(-_DAYS, 0), 2):
        at = CUTOFF + day * DAY + dt.timedelta(hours=9)
        target = ("user", "users/leaver", "")
        rows.append(event(f"removed{day}", at, "User Removed", actor="users/ana", target=target))
        rows.append(event(f"other{day}", at + dt.timedelta(minutes=day + 9), actor=f"users/{day}"))
    load(text(*rows))
    assert fixed_clock.retain(store, settings, NOW).archived == 2 * _DAYS
    return store


def as_earlier_version(cursor: Cursor) -> None:
    days = cursor.execute("select distinct day from cold_parts").fetchall()
    cold_times.remove(cursor)
    cursor.executemany("insert into cold_days_pending values ($1)", days)
    cold_changes.changed(cursor)


def test_archived_days_need_not_be_read(archived: Store) -> None:
    both = tiers.both(archived)
    assert_actor_times(both)
    assert both.table("from actor_times").num_rows > _DAYS
    for view in ("actor_times", "access_removals"):
        assert "READ_PARQUET" not in str(both.table(f"explain from {view}").to_pylist())


def test_a_source_whose_events_are_archived_has_its_newest_one(
    archived: Store, settings: Settings, load: Load
) -> None:
    """Also if one that is older is held in the database."""
    now = NOW.replace(tzinfo=None)
    newest = CUTOFF + 2 * DAY + dt.timedelta(hours=9, minutes=11)
    assert store_status.newest_events(archived, now) == {"json": newest}
    legal_holds.add(archived, "target", "users/leaver", None, None, "asked for", "maya")
    later = NOW + 30 * DAY
    assert fixed_clock.retain(archived, settings, later).archived == 1
    for store in (archived, tiers.both(archived)):
        assert store_status.newest_events(store, now + 30 * DAY) == {"json": newest}
        assert coverage.known_until(store, now + 30 * DAY) == newest


def test_days_of_earlier_versions_are_read_until_retention_fills_the_tables(
    archived: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_place, "AGAIN_S", 0.0)
    archived.write(as_earlier_version)
    both = tiers.both(archived)
    assert len(cold_times.pending(archived)) == _DAYS
    assert_actor_times(both)

    folder = settings.store.archive_path
    folder.rename(folder.with_name("away"))
    fixed_clock.retain(archived, settings, NOW)
    assert len(cold_times.pending(archived)) == _DAYS, "they cannot be read"
    folder.with_name("away").rename(folder)

    # A late event of one of the days does not count as all of it.
    load(text(event("late", CUTOFF - DAY, actor="users/late")))
    fixed_clock.retain(archived, settings, NOW)
    assert cold_times.pending(archived) == []
    assert_actor_times(both)
    for view in ("actor_times", "access_removals"):
        assert "READ_PARQUET" not in str(both.table(f"explain from {view}").to_pylist())


def test_a_damaged_day_waits_and_stops_neither_others_nor_retention(
    archived: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cold_views, "_FILLED_DAYS", 2)
    archived.write(as_earlier_version)
    path = min(settings.store.archive_path.glob("day=*/part-*.parquet"))
    path.write_bytes(b"x" * path.stat().st_size)
    fixed_clock.retain(archived, settings, NOW)
    assert [f"day={day}" for day in cold_times.pending(archived)] == [path.parent.name]


def test_actors_that_are_merged_are_one_on_archived_days(
    store: Store, settings: Settings, load: Load
) -> None:
    ids = ("usr7", "users/usr7", "usr7")
    load(text(*(event(f"e{n}", CUTOFF - n * DAY, actor=id_) for n, id_ in enumerate(ids, 1))))
    fixed_clock.retain(store, settings, NOW)
    both = tiers.both(store)
    person = Person("users/usr7", "Kim Ode", "kim@example.com")
    directory.keep(store, Directory("w", "Example", "example", (person,)))
    assert_actor_times(both)
    assert both.table("select distinct actor_key from actor_times").num_rows == 1
