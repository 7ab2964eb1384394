"""Findings, and what they are judged by, stay when their days are archived."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import detection, fixed_clock
from trail.core.settings import Settings
from trail.findings import queries, watermark
from trail.findings.detector import FIRST_DAY, ExampleEvent, daily, events, workdays
from trail.findings.refresh import refresh
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

_DAYS, _LAST = 40, 41
_TABLES = ("daily_actions", "daily_targets", "daily_chains", "folded", "item_sizes")
EVENTS = (
    *daily(workdays(0, _DAYS), "users/ana", "Source Modified", target="source-1"),
    *daily(workdays(0, _DAYS), "users/ben", "Audience Modified", target="audience-1"),
    *events(20, "11:00", "users/ana", "Warehouses Disabled", "warehouse-1"),
    *events(38, "11:00", "users/ben", "Warehouses Disabled", "warehouse-1"),
)
NOW = detection.end_of_day(_LAST)


class Trail:
    """A database with the events; *archived* keeps a week of them and archives the others."""

    def __init__(self, folder: Path, *, archived: bool) -> None:
        folder.mkdir()
        stored = {"path": folder / "trail.duckdb", "archive_path": folder / "archive"}
        self.settings = Settings(
            store={**stored, "archive": archived, "retention_days": 7 if archived else 90}
        )
        self.archived, self.store = archived, Store.open(stored["path"], self.settings)
        self.add(*EVENTS)

    def add(self, *more: ExampleEvent) -> None:
        """Load events, and archive as the schedule does."""
        detection.load(self.store, self.settings, more)
        refresh(self.store, NOW)
        if self.archived:
            assert fixed_clock.retain(self.store, self.settings, NOW).archived
            refresh(self.store, NOW)

    def known(self) -> dict[str, Any]:
        """Return the findings, and all that they are judged by."""
        found = queries.queue(self.store, Filter(), NOW, everything=True).findings
        known: dict[str, Any] = {"findings": sorted(found, key=lambda one: one.finding_id)}
        for table in _TABLES:
            known[table] = self.store.table(f"from {table} order by all").to_pylist()
        return known


@pytest.fixture
def trails(tmp_path: Path) -> Iterator[tuple[Trail, Trail]]:
    """Return a trail that archives, and one that has all events in the database."""
    made = tuple(Trail(tmp_path / str(archived), archived=archived) for archived in (True, False))
    yield made[0], made[1]
    for trail in made:
        trail.store.close()


def test_findings_do_not_depend_on_where_their_events_are(trails: tuple[Trail, Trail]) -> None:
    archiving, whole = trails
    assert archiving.known() == whole.known()
    days = {finding.day - FIRST_DAY for finding in whole.known()["findings"]}
    assert {dt.timedelta(days=20), dt.timedelta(days=38)} <= days
    # A late event of an archived day counts with the others of the day.
    late = events(20, "13:00", "users/ana", "Warehouses Disabled", "warehouse-2")
    for trail in trails:
        trail.add(*late)
    assert archiving.known() == whole.known()


def test_what_cannot_be_read_stays_as_it_is(trails: tuple[Trail, Trail]) -> None:
    archiving, _ = trails
    before = archiving.known()
    folder = archiving.settings.store.archive_path
    folder.rename(folder.with_name("away"))
    late = events(20, "13:00", "users/ana", "Warehouses Disabled", "warehouse-2")
    detection.load(archiving.store, archiving.settings, late)
    refresh(archiving.store, NOW)
    assert archiving.known() == before
    folder.with_name("away").rename(folder)
    refresh(archiving.store, NOW)
    after = archiving.known()
    assert after["folded"] != before["folded"]
    assert len(after["daily_actions"]) == len(before["daily_actions"])


def test_a_damaged_file_does_not_stop_the_findings_of_other_days(
    trails: tuple[Trail, Trail],
) -> None:
    archiving, _ = trails
    before = archiving.known()
    parts = sorted(archiving.settings.store.archive_path.glob("day=*/part-*.parquet"))
    for path in (parts[0], parts[len(parts) // 2]):
        path.write_bytes(b"x" * path.stat().st_size)
    late = events(20, "13:00", "users/ana", "Warehouses Disabled", "warehouse-2")
    new = events(41, "13:00", "users/ben", "Source Deleted", "source-1")
    detection.load(archiving.store, archiving.settings, (*late, *new))
    refresh(archiving.store, NOW)
    after = archiving.known()
    days = {row["day"]: row["events"] for row in after["folded"]}
    assert days[FIRST_DAY + dt.timedelta(days=41)] == 1
    assert days[FIRST_DAY + dt.timedelta(days=20)] == 2
    assert {one.finding_id for one in before["findings"]} <= {
        one.finding_id for one in after["findings"]
    }


def test_scoring_again_without_the_archive_keeps_what_is_known(
    trails: tuple[Trail, Trail], monkeypatch: pytest.MonkeyPatch
) -> None:
    archiving, _ = trails
    before = archiving.known()
    folder = archiving.settings.store.archive_path
    folder.rename(folder.with_name("away"))
    monkeypatch.setattr(watermark, "version", lambda *_: "another")
    refresh(archiving.store, NOW)
    assert archiving.known()["findings"] == before["findings"]


def test_archived_days_leave_after_ninety_days(trails: tuple[Trail, Trail]) -> None:
    archiving, _ = trails
    later = NOW + dt.timedelta(days=70)
    detection.load(
        archiving.store,
        archiving.settings,
        events(110, "09:00", "users/ben", "Source Deleted", "s"),
    )
    for now in (later, later + dt.timedelta(days=1)):
        fixed_clock.retain(archiving.store, archiving.settings, now)
        refresh(archiving.store, now)
        first = now.date() - dt.timedelta(days=90)
        for table in ("daily_actions", "daily_targets", "folded"):
            days = archiving.store.table(f"select min(day) as day from {table}")["day"]
            assert days[0].as_py() >= first, table


def test_a_token_is_not_found_inactive_because_all_events_are_archived(tmp_path: Path) -> None:
    trail = Trail(tmp_path / "all", archived=True)
    hourly = (
        daily(
            range(_DAYS), "tokens/sync", "Source Modified", time=f"{hour:02}:00", target=f"{hour}"
        )
        for hour in range(0, 24, 3)
    )
    detection.load(trail.store, trail.settings, [event for one in hourly for event in one])
    later = NOW + dt.timedelta(days=20)
    fixed_clock.retain(trail.store, trail.settings, later)
    assert trail.store.table("from events limit 1").num_rows == 0
    refresh(trail.store, later)
    found = queries.queue(trail.store, Filter(), later, everything=True).findings
    assert not [one for one in found for reason in one.reasons if reason.detector == "silence"]
    trail.store.close()
