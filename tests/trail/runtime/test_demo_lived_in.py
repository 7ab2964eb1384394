"""A new demo shows the purpose of every page, and no page of it raises a false alarm."""

import datetime as dt
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from forwarders import demo_inbox
from tests.trail.runtime.conftest import Demo
from trail.attention import items
from trail.core.clock import running_from, utc_now
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.events import annotations, coverage, periods
from trail.findings import queries, reviews, sign_offs
from trail.incidents import queries as incidents
from trail.ingest import source_health
from trail.integrity import clock_check, seal_status, sealing, verification
from trail.notifications import delivery_log, destinations, rule_store
from trail.notifications.rule import KINDS
from trail.retention import legal_holds
from trail.runtime import maintenance
from trail.runtime.demo_feed import NAME, DemoFeed
from trail.runtime.job import JobContext
from trail.storage.duckdb import Store
from trail.storage.filters import Filter, Window
from trail.triage import records
from trail.views import former_owners, saved_views

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def aware(moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=dt.UTC)


@pytest.fixture(scope="module", params=["at first", "an hour later"])
def shown(
    request: pytest.FixtureRequest, lived_in: Demo, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demo]:
    """Return the demo at its first start, and a copy in which events arrived for an hour."""
    if request.param == "at first":
        yield lived_in
        return
    folder = tmp_path_factory.mktemp("an-hour-later")
    lived_in.store.checkpoint()
    for file in lived_in.store.path.parent.iterdir():
        shutil.copy(file, folder)
    store = Store.open(folder / lived_in.store.path.name, lived_in.settings)
    feed, later = DemoFeed(store, lived_in.settings), lived_in.at + HOUR
    for part in range(3, -1, -1):
        at = later - part * HOUR / 4
        with running_from(at):  # else its events would be dated in the future
            assert feed.collect(at, repeat=True) >= 1
    feed.end()
    yield Demo(store, lived_in.settings, later)
    store.close()


def test_only_the_workspace_needs_attention(shown: Demo) -> None:
    listed = items.items(shown.store, shown.settings, aware(shown.at), findings=True)
    assert all(item.title for item in listed)
    assert any(item.kind == "finding" and item.count > 1 for item in listed)  # and others
    assert {item.kind for item in listed} == {"incident", "finding"}


def test_the_source_is_healthy(shown: Demo) -> None:
    (source,) = source_health.sources(shown.store, shown.settings, shown.at)
    assert (source.name, source.state, source.message) == (NAME, "ok", "")
    assert source.last_event
    assert coverage.silence(shown.store, shown.at) is None
    known = coverage.known_until(shown.store, shown.at)
    assert known
    assert shown.at - known < dt.timedelta(minutes=1)
    assert {span.state for span in coverage.spans(shown.store, shown.at - 7 * DAY, shown.at)} == {
        "watched"
    }


def test_the_trail_is_intact_and_sealed_to_the_last_closed_day(shown: Demo, lived_in: Demo) -> None:
    """Sealed to the day that was the last closed one at the first start: no job runs here."""
    store, settings = shown.store, shown.settings
    assert clock_check.is_plausible(store, shown.at)
    assert verification.verify(store, settings).ok
    status = seal_status.status(store)
    assert status.ok
    assert status.sealed_to == sealing.newest_closed(lived_in.at, settings.seals.close_hours)
    assert status.sealed_from
    assert shown.at.date() - status.sealed_from > 80 * DAY


def test_findings_are_decided_but_for_the_latest(shown: Demo, lived_in: Demo) -> None:
    listed = queries.queue(shown.store, Filter("90d"), aware(shown.at)).findings
    states = Counter(finding.state for finding in listed)
    assert states[reviews.EXPECTED] >= 1
    assert states[reviews.ACTION] == 1
    assert states[reviews.DONE] > states[reviews.OPEN] >= 3
    decided_until = lived_in.at.date() - 4 * DAY
    assert all(item.day > decided_until for item in listed if item.state == reviews.OPEN)
    (escalated,) = (item for item in listed if item.state == reviews.ACTION)
    name = records.subject("finding", escalated.finding_id)
    state = records.of(shown.store, [name])[name]
    assert state.assignee == "maya"
    assert state.comments
    (hold,) = legal_holds.active(shown.store)
    assert hold["from_at"].date() == escalated.day


def test_a_period_is_signed_and_unchanged(shown: Demo) -> None:
    (signed,) = sign_offs.signoffs(shown.store, aware(shown.at))
    assert signed.state == "as signed"
    assert (signed.signed_by, signed.undecided) == ("maya", 0)
    assert signed.events > 0
    assert len(signed.body["seals"]) == 7


def test_the_worst_incident_is_followed(shown: Demo) -> None:
    listed = incidents.incidents(shown.store, Filter(), aware(shown.at), only_open=True)
    subjects = {records.subject("incident", incident.incident_id): incident for incident in listed}
    followed = records.of(shown.store, subjects)
    assert any(subjects[name].class_ == "persistent" for name in followed)
    assert {comment.made_by for state in followed.values() for comment in state.comments} == {
        "maya",
        "jon",
    }


def test_the_past_gap_was_noticed(lived_in: Demo) -> None:
    start = lived_in.at - 20 * DAY
    ((source, gaps),) = coverage.source_gaps(lived_in.store, start, lived_in.at).items()
    ((first, last),) = gaps
    assert 3 * HOUR < last - first < 4 * HOUR
    name = records.subject("gap", f"{source}:{first.isoformat()}")
    assert records.of(lived_in.store, [name])[name].comments
    labels = [
        item.label for item in annotations.in_window(lived_in.store, Window(start, lived_in.at))
    ]
    assert "Token of the source renewed" in labels
    inside = Filter(first.isoformat(), last.isoformat())
    assert not events_in(lived_in, inside)


def events_in(lived_in: Demo, filter_: Filter) -> int:
    window = filter_.window(aware(lived_in.at))
    return int(
        lived_in.store.table(
            "select count(*) as n from events where occurred_at >= $start and occurred_at < $end",
            {"start": window.start, "end": window.end},
        )["n"][0].as_py()
    )


def test_rules_of_every_kind_have_reported_to_the_inbox(lived_in: Demo) -> None:
    store = lived_in.store
    rules = rule_store.list_all(store)
    assert {rule.kind for rule in rules} == set(KINDS)
    assert any(rule.threshold > 1 for rule in rules)
    (inbox,) = destinations.list_all(store)
    assert inbox.forwarder.demo_only
    delivered = delivery_log.list_deliveries(store)
    assert {row["state"] for row in delivered} == {"sent"}
    assert {row["kind"] for row in delivered} >= {"alert", "incident", "finding", "digest"}
    assert len(demo_inbox.messages()) >= len(delivered)
    (retried,) = (row for row in delivered if row["tries"] > 1)
    failed, sent = delivery_log.list_attempts(store, retried["delivery_id"])
    assert (failed["status"], failed["verdict"], sent["verdict"]) == (503, "retry", "ok")


def test_the_last_two_weeks_are_compared(shown: Demo) -> None:
    changes = periods.compared(shown.store, Filter("7d"), aware(shown.at))
    assert changes.reason == ""
    assert changes.before


def test_views_are_of_colleagues(lived_in: Demo) -> None:
    views = [view for view in saved_views.visible(lived_in.store, "owner") if not view.is_built_in]
    assert {view.owner_name for view in views} == {"Maya Lind", "Jon Berg"}
    marked = former_owners.marked(views, {"owner"}, "oidc:")
    assert not any(view.former for view in marked)
    for view in views:
        Filter.parse(view.query)


def test_what_people_did_lies_between_the_import_and_now(lived_in: Demo) -> None:
    """Nothing is decided before the events it is about have arrived."""
    times = lived_in.store.table(
        "select made_at from decisions union all select signed_at from signoffs "
        "union all select made_at from triage union all select made_at from holds"
    )["made_at"].to_pylist()
    first = lived_in.store.table("select min(ingested_at) as first from events")["first"][0].as_py()
    assert first <= min(times)
    assert max(times) <= lived_in.at <= utc_now()
    assert len({moment.date() for moment in times}) >= 3


def test_a_reused_demo_applies_retention_without_an_archive(lived_in: Demo, tmp_path: Path) -> None:
    lived_in.store.checkpoint()
    for file in lived_in.store.path.parent.iterdir():
        shutil.copy(file, tmp_path)
    archive = tmp_path / "archive"
    settings = Settings(
        store=StoreSettings(path=tmp_path / "own.duckdb", archive=True, archive_path=archive)
    )
    store = Store.open(tmp_path / lived_in.store.path.name, settings)
    context = JobContext(settings, lambda: store, lambda: store, threading.Event())
    (job,) = (
        job
        for job in maintenance.jobs(context, threading.Event())
        if job.health.name == "retention"
    )
    with running_from(lived_in.at + 3 * DAY):
        status = job.run(job)
    assert not status.startswith("0 removed")
    assert not archive.exists()
    assert verification.verify(store, settings).ok
    store.close()
