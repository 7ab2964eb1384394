"""A shorter retention period waits for what nobody has reviewed."""

import datetime as dt
import re
from typing import Any

import pytest

from tests import detection
from tests.conftest import Load
from tests.fixed_clock import retain
from tests.trail.incidents.failures import START, WAREHOUSE, change, run, text
from trail.core.settings import Settings
from trail.findings import queries, reviews
from trail.findings.detector import FIRST_DAY, daily, events, workdays
from trail.findings.refresh import refresh
from trail.retention import legal_holds, shrink
from trail.retention.shrink import UnreviewedError
from trail.storage import cursors
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

STRANGE = FIRST_DAY + dt.timedelta(days=38)
DAY = 24 * 60
NOW = dt.datetime.combine(STRANGE + dt.timedelta(days=70), dt.time(12))


def keeping(settings: Settings, days: int, **more: Any) -> Settings:
    kept = settings.store.model_copy(update={"retention_days": days, **more})
    return settings.model_copy(update={"store": kept})


@pytest.fixture
def finding_id(store: Store, settings: Settings) -> str:
    """Return the id of an open finding; a period of 90 days was applied when it was 70 days old."""
    detection.load(
        store,
        settings,
        (
            *daily(workdays(0, 40), "users/ana", "Source Modified", target="source-1"),
            *events(38, "11:00", "users/ana", "Warehouses Disabled", "warehouse-1"),
        ),
    )
    refresh(store, detection.end_of_day(39))
    (finding,) = queries.queue(store, Filter(), detection.end_of_day(39)).findings
    retain(store, keeping(settings, 90), NOW)
    return finding.finding_id


def test_an_open_finding_stops_a_shorter_period_until_it_is_confirmed(
    store: Store, settings: Settings, finding_id: str
) -> None:
    shorter = keeping(settings, 60)
    before = store.table("select count(*) from events")
    with pytest.raises(
        UnreviewedError, match=re.escape("from 90 to 60 days: 1 open finding would expire")
    ):
        retain(store, shorter, NOW)
    assert store.table("select count(*) from events") == before
    found = shrink.unreviewed(store, keeping(settings, 60), NOW)
    assert found
    assert [finding.finding_id for finding in found.findings] == [finding_id]
    assert found.lines()[0].startswith(f"{STRANGE} finding: users/ana")
    shrink.confirm(store, found)
    assert retain(store, shorter, NOW).events > 0
    assert retain(store, shorter, NOW + dt.timedelta(days=1))


def test_a_finding_whose_events_are_archived_does_not_stop_it(
    store: Store, settings: Settings, finding_id: str
) -> None:
    shorter = keeping(settings, 60, archive=True)
    found = shrink.unreviewed(store, shorter, NOW)
    assert found
    assert found.count == 0
    assert retain(store, shorter, NOW).archived > 0
    (kept,) = queries.queue(store, Filter(), NOW.replace(tzinfo=dt.UTC)).findings
    assert kept.finding_id == finding_id


def test_a_reviewed_or_held_finding_does_not_stop_it(
    store: Store, settings: Settings, finding_id: str
) -> None:
    shorter, day = keeping(settings, 60), dt.datetime.combine(STRANGE, dt.time())
    hold = legal_holds.add(store, "period", "", day, day + dt.timedelta(days=1), "Case 7", "maya")
    found = shrink.unreviewed(store, keeping(settings, 60), NOW)
    assert found is not None
    assert found.count == 0
    legal_holds.end(store, hold)
    with pytest.raises(UnreviewedError):
        retain(store, shorter, NOW)
    finding = queries.get(store, finding_id)
    assert finding
    reviews.decide(store, [finding], reviews.DONE, "Known change", "maya", frozenset())
    assert retain(store, shorter, NOW).events > 0


def test_an_unchanged_or_longer_period_is_never_stopped(
    store: Store, settings: Settings, finding_id: str
) -> None:
    assert finding_id
    assert shrink.unreviewed(store, keeping(settings, 90), NOW) is None
    assert shrink.unreviewed(store, keeping(settings, 120), NOW) is None
    later = NOW + dt.timedelta(days=60)
    assert retain(store, keeping(settings, 90), later).events > 0


def test_the_period_of_an_earlier_release_is_read_from_its_last_run(
    store: Store, settings: Settings, finding_id: str
) -> None:
    retain(store, keeping(settings, 90), NOW + dt.timedelta(days=15))
    store.write(lambda cursor: cursors.put(cursor, "retention days", ""))
    found = shrink.unreviewed(store, keeping(settings, 60), NOW + dt.timedelta(days=15))
    assert found
    assert found.before == 90
    assert [finding.finding_id for finding in found.findings] == [finding_id]


def test_incidents_stay_while_the_archive_has_their_events(
    store: Store, settings: Settings, load: Load
) -> None:
    load(text(*run(0, 5), *run(0, 5, WAREHOUSE), change(DAY)))
    now = (START + dt.timedelta(days=70)).replace(tzinfo=None)
    retain(store, keeping(settings, 90), now)
    with pytest.raises(UnreviewedError, match="2 unreviewed incidents would expire"):
        retain(store, keeping(settings, 60), now)
    archived = {"archive": True, "archive_path": settings.store.path.parent / "archive"}
    # The archive keeps them for a while or for ever, or removes them at once.
    for archive_days, incidents in ((80, 0), (0, 0), (65, 2)):
        limits = keeping(settings, 60, **archived, archive_days=archive_days)
        found = shrink.unreviewed(store, limits, now)
        assert found
        assert len(found.incidents) == incidents
    assert retain(store, keeping(settings, 60, **archived), now).archived
