"""What needs attention: each kind from its owner's figures, in one order, without what is muted."""

import contextlib
import datetime as dt
import random
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from loaders._segment_http import SegmentSettings
from tests import detection
from tests.conftest import Load
from tests.trail.incidents.failures import WAREHOUSE, at, change, run, text
from trail.attention import review_items
from trail.attention.checked import checked
from trail.attention.item import KINDS, MOST, URGENCIES
from trail.attention.items import Item, items
from trail.core.clock import naive_utc, utc_now
from trail.core.sections import Forward
from trail.core.settings import Settings
from trail.events import coverage
from trail.findings import expiring, queries, reviews
from trail.findings.detector import daily, events, workdays
from trail.findings.model import Finding, Reason
from trail.findings.refresh import refresh
from trail.incidents import queries as failures
from trail.ingest import source_health
from trail.ingest.files import load_files
from trail.integrity import high_water_mark, mirror, seal_status
from trail.integrity.chain_history import Problem
from trail.integrity.verification import Report
from trail.notifications import deliveries, destinations
from trail.notifications.destination import Destination
from trail.notifications.rule import HIGH_SCORE
from trail.retention import legal_holds
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.triage import records

NOW = at(60 * 5 + 30)  # half an hour after the last run of `failing`
HOUR = dt.timedelta(hours=1)


def listed(store: Store, settings: Settings, now: dt.datetime = NOW, **options: bool) -> list[Item]:
    found = list(items(store, settings, now, findings=options.pop("findings", True), **options))
    assert all(item.title for item in found)
    return found


def failing(targets: int = 1) -> bytes:
    """Return six failed runs of each of so many warehouses, and two attempts of an audience."""
    lines = [
        item
        for number in range(targets)
        for hour in range(6)
        for item in run(60 * hour + 5 * number, 5, ("warehouse", f"wh{number}", f"WH {number}"))
    ]
    return text(*lines, *run(300, 2))


def test_an_empty_database_needs_no_attention(store: Store, settings: Settings) -> None:
    assert listed(store, settings, dt.datetime.now(dt.UTC)) == []


def test_open_incidents_are_listed_persistent_first(
    store: Store, settings: Settings, load: Load
) -> None:
    load(text(*(item for hour in range(6) for item in run(60 * hour, 5, WAREHOUSE)), *run(300, 2)))
    found = listed(store, settings)
    known = failures.incidents(store, Filter(), NOW, only_open=True)
    assert [item.subject for item in found] == [f"incident:{one.incident_id}" for one in known]
    assert [item.urgency for item in found] == ["now", "later"]
    first = found[0]
    assert first.title == "Warehouse Snowflake prod: 30 failed attempts"
    assert first.reason == (
        "Incident, persistent · 6 runs · Consecutive runs fail on every attempt."
    )
    assert first.path == f"/failures?incident={known[0].incident_id}"
    assert (first.action, first.since) == ("assign", known[0].first_at)
    # Without data since, they are last known to fail.
    later = listed(store, settings, at(60 * 24 * 30))
    assert [item.subject for item in later] == [item.subject for item in found]
    assert later[0].reason.endswith(" · last known, no newer data")
    load(text(change(60 * 24 * 30 - 1)), "later.ndjson")
    assert listed(store, settings, at(60 * 24 * 30)) == []


def test_further_items_of_a_kind_are_one_row_with_their_number(
    store: Store, settings: Settings, load: Load
) -> None:
    load(failing(MOST + 3))
    found = listed(store, settings)
    known = failures.incidents(store, Filter(), NOW, only_open=True)
    assert len(found) == MOST + 1
    assert sum(item.count for item in found) == len(known)
    assert found[-1].title == f"{len(known) - MOST} further open incidents"
    assert (found[-1].subject, found[-1].path) == ("", "/failures")


def test_muted_items_are_left_out_until_their_time(
    store: Store, settings: Settings, load: Load
) -> None:
    load(failing())
    name = listed(store, settings)[0].subject
    now = dt.datetime.now(dt.UTC)
    records.assign(store, name, "jon", "maya")
    # The incident is past, so it is asked as of then; the mute ends long after.
    records.mute(store, name, utc_now() + HOUR, "release", "maya")
    assert name not in [item.subject for item in listed(store, settings)]
    shown = {item.subject: item for item in listed(store, settings, muted=True)}[name]
    assert shown.muted_until
    assert naive_utc(now) < shown.muted_until
    assert shown.assignee == "jon"
    records.mute(store, name, None, "", "maya")
    assert {item.subject: item for item in listed(store, settings)}[name].muted_until is None


def test_findings_only_for_those_who_may_see_them(store: Store, settings: Settings) -> None:
    detection.load(
        store,
        settings,
        (
            *daily(workdays(0, 40), "users/ana", "Source Modified", target="source-1"),
            *events(38, "11:00", "users/ana", "Warehouses Disabled", "warehouse-1"),
        ),
    )
    now = detection.end_of_day(39)
    refresh(store, now)
    finding = queries.queue(store, Filter(), now).findings[0]
    found = listed(store, settings, now)
    assert [item.subject for item in found] == [f"finding:{finding.finding_id}"]
    titles = queries.titles(store, [finding], ZoneInfo("UTC"), now)
    assert found[0].title == titles[finding.finding_id]
    assert found[0].title.startswith(
        "users/ana disabled the warehouse The warehouse-1 on Thu 10 Sep; "
    )
    assert found[0].tz == "UTC"
    shown = items(store, settings, now, findings=True, weekdays=True)
    assert shown[0].title == found[0].title.replace("Thu 10 Sep", "Thursday")
    assert found[0].path == f"/unusual?finding={finding.finding_id}"
    assert listed(store, settings, now, findings=False) == []
    late = now + dt.timedelta(days=86)
    assert {item.kind for item in listed(store, settings, late)} == {"finding", "retention"}
    soon = next(item for item in listed(store, settings, late) if item.kind == "retention")
    assert soon.title == expiring.expiring(store, settings, late).title()
    assert soon.path == f"/unusual?from={finding.day}&to={finding.day + dt.timedelta(days=1)}"
    assert listed(store, settings, late, findings=False) == []
    reviews.decide(store, [finding], reviews.DONE, "seen", "lee", frozenset())
    assert listed(store, settings, now) == []


def watched(store: Store, source: str, start: dt.datetime, end: dt.datetime) -> None:
    store.write(lambda cursor: coverage.note(cursor, source, coverage.WATCHED, start, end))


def test_a_failing_source_comes_first(store: Store, settings: Settings, load: Load) -> None:
    load(failing())
    now, segment = naive_utc(NOW), SegmentSettings(token=SecretStr("sgp_" + "x" * 40))
    using = settings.model_copy(update={"segment": segment})
    watched(store, "segment_api", now - 2 * HOUR, now - HOUR)
    detail = "Segment rejected the token (401)."
    store.write(
        lambda cursor: coverage.note(
            cursor, "segment_api", coverage.FAILED, now - HOUR, now, detail
        )
    )
    health = source_health.sources(store, using, now)
    first = listed(store, using)[0]
    assert (first.subject, first.urgency) == ("source:segment_api", "now")
    assert first.title == f"{health[0].title} fails"
    assert first.reason == "Source · Segment rejected the token (401)"
    assert first.since == health[0].since


ZONE = ZoneInfo("Europe/Oslo")


def test_what_was_checked_and_what_is_unknown(store: Store, settings: Settings, load: Load) -> None:
    now = dt.datetime.now(dt.UTC)
    empty = checked(store, settings, now).text(ZONE, now)
    assert empty == "Unknown: no events have been collected yet."
    load(failing())
    assert checked(store, settings, NOW).text(ZONE, at(303)) == (
        "Nothing needs attention. 2 incidents and 0 sources were checked."
    )
    later = at(60 * 24)
    assert checked(store, settings, later).text(ZONE, later) == (
        "Unknown since Tue 6 Oct 09:15: no newer data. "
        "Nothing before needs attention; 2 incidents and 0 sources were checked."
    )
    seal_status.store_report(store, Report(naive_utc(NOW), (), (), 1, 0, 0.1))
    assert not checked(store, settings, NOW).verified


def test_a_legal_hold_ends_the_expiry(store: Store, settings: Settings) -> None:
    detection.load(
        store,
        settings,
        (
            *daily(workdays(0, 40), "users/ana", "Source Modified", target="source-1"),
            *events(38, "11:00", "users/ana", "Warehouses Disabled", "warehouse-1"),
        ),
    )
    refresh(store, detection.end_of_day(39))
    late = detection.end_of_day(39) + dt.timedelta(days=86)
    days = expiring.expiring(store, settings, late).days
    assert days
    start, end = (dt.datetime.combine(day, dt.time()) for day in days)
    end += dt.timedelta(days=1)
    part = dt.timedelta(hours=1)
    legal_holds.add(store, "period", "", start, end - part, "a part of the day", "maya")
    assert "retention" in [item.kind for item in listed(store, settings, late)]
    number = legal_holds.add(store, "period", "", start, end, "case", "maya")
    assert "retention" not in [item.kind for item in listed(store, settings, late)]
    legal_holds.end(store, number)
    assert "retention" in [item.kind for item in listed(store, settings, late)]


def test_a_gap_counts_only_what_no_other_source_covers(store: Store, settings: Settings) -> None:
    now = naive_utc(NOW)
    for source in ("webhook", "segment_api"):
        watched(store, source, now - 48 * HOUR, now - 12 * HOUR)
    watched(store, "segment_api", now - 12 * HOUR, now)
    watched(store, "webhook", now - 10 * HOUR, now)
    assert listed(store, settings) == []
    watched(store, "tracking_api", now - 96 * HOUR, now - 60 * HOUR)
    watched(store, "tracking_api", now - 47 * HOUR, now)
    gap = listed(store, settings)
    assert [item.title for item in gap] == ["Tracking API did not collect for 13 hours"]
    assert gap[0].reason == "Coverage gap · Other sources cover all but 12 hours"
    assert gap[0].subject == f"gap:tracking_api:{(now - 60 * HOUR).isoformat()}"


def test_a_gap_that_is_older_than_the_list_stays_the_same_one(
    store: Store, settings: Settings
) -> None:
    begin = naive_utc(NOW) - 24 * 9 * HOUR
    watched(store, "segment_api", begin - HOUR, begin)
    watched(store, "segment_api", begin + 24 * 5 * HOUR, begin + 24 * 9 * HOUR)
    for hours in (0, 1):
        (gap,) = (
            item for item in listed(store, settings, NOW + hours * HOUR) if item.since == begin
        )
        assert gap.subject == f"gap:segment_api:{begin.isoformat()}"
        assert gap.title == "Segment Public API did not collect for 5 days"
        assert gap.reason == "Coverage gap · No other source covers it"


def test_refused_records_by_loader(store: Store, settings: Settings, load: Load) -> None:
    load(b"{\n{\n[]\n")
    found = listed(store, settings)
    assert [(item.subject, item.title) for item in found] == [
        ("quarantine:json", "3 records in quarantine")
    ]
    assert found[0].reason.startswith("Loaded file · ")
    assert found[0].reason.endswith(" and 1 other reason")
    assert listed(store, settings, findings=False) == []


def destination(store: Store, name: str) -> int:
    forward = Forward(allow_loopback=True, secrets={"key": SecretStr("whsec_" + "QUFB" * 12)})
    made = Destination(0, "webhook", name, {"url": "http://127.0.0.1:9/x"}, {"key": "key"})
    return store.write(lambda cursor: destinations.add(cursor, made, forward, "owner"))


def test_failed_deliveries_and_destinations_that_are_off(store: Store, settings: Settings) -> None:
    number, off = destination(store, "hook"), destination(store, "alerts")
    assert listed(store, settings) == []

    def fail(cursor: object) -> None:
        for key in ("a", "b"):
            deliveries.enqueue(cursor, number, "test", key, {}, naive_utc(NOW))  # type: ignore[arg-type]
        cursor.execute(  # type: ignore[attr-defined]
            "update deliveries set state = 'dead', ended_at = created_at, answer = 'Gone (404).'"
        )
        destinations.set_state(cursor, off, "off", "Rejected the key (401).")  # type: ignore[arg-type]

    store.write(fail)
    found = listed(store, settings)
    assert [(item.title, item.reason, item.urgency) for item in found] == [
        ("alerts is switched off", "Delivery · Rejected the key (401)", "soon"),
        ("2 messages not delivered to hook", "Delivery · Gone (404)", "soon"),
    ]
    assert listed(store, settings, findings=False) == []
    store.write(lambda cursor: deliveries.resend(cursor, [1, 2], naive_utc(NOW)))
    assert [item.subject for item in listed(store, settings)] == [f"delivery:{off}"]


def test_integrity_problems_are_as_stored(store: Store, settings: Settings) -> None:
    found_at = naive_utc(NOW)
    problem = Problem(found_at.date(), "changed", 3, "3 events were changed.")
    seal_status.store_report(store, Report(found_at, (), (problem,), 1, 0, 0.1))
    found = listed(store, settings)
    assert [(item.title, item.urgency, item.since) for item in found] == [
        ("Verification found 1 problem", "now", found_at)
    ]
    assert found[0].reason == "Trail integrity · 3 events were changed."
    loss = high_water_mark.Shortfall(found_at, found_at - HOUR, 10, 8, found_at - HOUR, found_at)
    high_water_mark.record_restore(mirror.files(store.path, settings).known, loss)
    assert listed(store, settings)[0].title == "The database has lost 2 events"


@hypothesis_settings(max_examples=12)
@given(
    seed=st.integers(0, 2**16),
    targets=st.integers(0, MOST + 4),
    bad=st.integers(0, 2),
    gaps=st.integers(0, MOST + 3),
    off=st.integers(0, 2),
    muted=st.sets(st.integers(0, 8), max_size=4),
)
def test_the_order_is_total_and_does_not_depend_on_the_order_of_arrival(
    tmp_path_factory: pytest.TempPathFactory,
    empty_database: Path,
    seed: int,
    targets: int,
    bad: int,
    gaps: int,
    off: int,
    muted: set[int],
) -> None:
    folder = tmp_path_factory.mktemp("order")
    settings = Settings(store={"path": folder / "trail.duckdb"})  # type: ignore[arg-type]
    shutil.copy(empty_database, settings.store.path)
    with contextlib.closing(Store.open(settings.store.path, settings)) as store:
        lines = failing(targets).splitlines(keepends=True) + [b"{\n"] * bad
        random.Random(seed).shuffle(lines)
        (folder / "events.ndjson").write_bytes(b"".join(lines))
        list(load_files(store, settings, [folder / "events.ndjson"]))
        for number in random.Random(seed).sample(range(gaps + 1), gaps + 1):
            start = naive_utc(NOW) - (3 * number + 1) * HOUR
            watched(store, "webhook", start - HOUR, start if number else naive_utc(NOW))
        for number in range(off):
            made = destination(store, f"hook {number}")
            store.write(
                lambda cursor, made=made: destinations.set_state(cursor, made, "off", "Gone.")  # type: ignore[misc]
            )
        everything = listed(store, settings, muted=True)
        for number in muted & set(range(len(everything))):
            if name := everything[number].subject:
                records.mute(store, name, utc_now() + HOUR, "", "maya")
        found = listed(store, settings)
        again = listed(store, settings, muted=True)
        assert found == listed(store, settings)
        names = [item.subject for item in again if item.subject]
        assert len(set(names)) == len(names)
        ranks = [(URGENCIES.index(item.urgency), KINDS.index(item.kind)) for item in found]
        assert ranks == sorted(ranks)
        assert all(item.muted_until is None for item in found)
        gone = sum(item.muted_until is not None for item in again)
        total = sum(item.count for item in again)
        assert sum(item.count for item in found) == total - gone
        assert max(Counter(item.kind for item in found).values(), default=0) <= MOST + 1
        opened = failures.summary(store, Filter(), NOW).open
        assert sum(item.count for item in again if item.kind == "incident") == opened


@pytest.mark.parametrize(("days", "urgency"), [(0, "now"), (6, "now"), (8, "soon")])
def test_a_severe_finding_is_urgent_for_a_week(days: int, urgency: str) -> None:
    now = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
    day = now.date() - dt.timedelta(days=days)
    reason = Reason("unfamiliar_action", 9, "first time", {}, ("Source Modified",))
    finding = Finding("f1", day, "users/maya", "user", HIGH_SCORE, (reason,))
    assert review_items._urgency(finding, now) == urgency
    mild = replace(finding, score=1)
    assert review_items._urgency(mild, now) == "soon"
