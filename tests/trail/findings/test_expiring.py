"""Open findings are reported a week before their events are past retention."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import detection, fixed_clock
from trail.core import time_labels
from trail.core.settings import Settings
from trail.findings import expiring, queries, reviews
from trail.findings.detector import FIRST_DAY, daily, events, workdays
from trail.findings.model import Finding
from trail.findings.refresh import refresh
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

STRANGE = FIRST_DAY + dt.timedelta(days=38)
KEPT = dt.timedelta(days=91)  # the day itself, and 90 whole days after it


@pytest.fixture(scope="module")
def prepared(module_store: Store, module_settings: Settings) -> Path:
    """Return a database with one unusual day after weeks of regular activity, to be copied."""
    detection.load(
        module_store,
        module_settings,
        (
            *daily(workdays(0, 40), "users/ana", "Source Modified", target="source-1"),
            *events(38, "11:00", "users/ana", "Warehouses Disabled", "warehouse-1"),
        ),
    )
    refresh(module_store, detection.end_of_day(39))
    module_store.close()
    return module_settings.store.path


@pytest.fixture
def store(prepared: Path, settings: Settings) -> Iterator[Store]:
    """Return a copy of the prepared database."""
    shutil.copy(prepared, settings.store.path)
    opened = Store.open(settings.store.path, settings)
    yield opened
    opened.close()


@pytest.fixture
def finding(store: Store) -> Finding:
    """Return the finding of the unusual day."""
    result = queries.queue(store, Filter(), detection.end_of_day(39)).findings
    assert [item.day for item in result] == [STRANGE]
    return result[0]


def days_before(days: int) -> dt.datetime:
    """Return noon that many days before the events of the unusual day are past retention."""
    return dt.datetime.combine(STRANGE + KEPT - dt.timedelta(days=days), dt.time(12), dt.UTC)


@pytest.mark.parametrize(("days", "expected"), [(8, 0), (7, 1), (1, 1), (0, 1), (-2, 1)])
def test_a_finding_expires_within_the_last_week_or_with_the_next_run(
    store: Store, settings: Settings, finding: Finding, days: int, expected: int
) -> None:
    result = expiring.expiring(store, settings, days_before(days), frozenset({finding.finding_id}))
    assert result.findings == expected
    day = max(STRANGE + KEPT, days_before(days).date())
    assert result.first == (day if expected else None)
    sentence = f"1 open finding expires within 7 days, the first on {time_labels.full_day(day)}."
    assert result.text() == (sentence if expected else "")


@pytest.mark.parametrize(
    ("kept", "archived", "days"), [(7, False, 7), (7, True, 90), (200, True, 200), (7, True, 30)]
)
def test_findings_of_archived_days_are_kept_for_ninety_days(
    store: Store, settings: Settings, finding: Finding, kept: int, archived: bool, days: int
) -> None:
    """Or for as long as the archive has their events."""
    given = {"retention_days": kept, "archive": archived, "archive_days": days if days == 30 else 0}
    stored = settings.store.model_copy(update=given)
    of = settings.model_copy(update={"store": stored})
    last = dt.datetime.combine(STRANGE + dt.timedelta(days=days), dt.time(12), dt.UTC)
    shown = frozenset({finding.finding_id})
    assert expiring.expiring(store, of, last - dt.timedelta(days=7), shown).findings == 0
    assert expiring.expiring(store, of, last - dt.timedelta(days=6), shown).findings == 1


def test_only_shown_findings_count(store: Store, settings: Settings, finding: Finding) -> None:
    assert expiring.expiring(store, settings, days_before(3)).findings == 1
    assert expiring.expiring(store, settings, days_before(3), frozenset()).findings == 0


@pytest.mark.parametrize(("decision", "expected"), [(reviews.ACTION, 1), (reviews.DONE, 0)])
def test_findings_that_need_action_are_open(
    store: Store, settings: Settings, finding: Finding, decision: str, expected: int
) -> None:
    reviews.decide(store, [finding], decision, "seen", "lee", frozenset())
    assert expiring.expiring(store, settings, days_before(3)).findings == expected


def test_what_needs_action_does_not_expire_for_ever(
    store: Store, settings: Settings, finding: Finding
) -> None:
    reviews.decide(store, [finding], reviews.ACTION, "seen", "lee", frozenset())
    later = days_before(-30)
    fixed_clock.retain(store, settings, later)
    refresh(store, later)
    assert expiring.expiring(store, settings, later).findings == 0
