"""Test that flagged events draw no conclusions, and when they count again and expire."""

import datetime as dt
import json
from collections.abc import Iterable

import duckdb
import pyarrow as pa
import pytest

from tests import detection, fixed_clock
from tests.conftest import counted, rows
from tests.segment_records import api_event
from tests.trail.incidents.failures import at, run
from trail.core.clock import utc_now
from trail.core.limits import Limits
from trail.core.model import Batch, Chunk
from trail.core.settings import Settings
from trail.events import counts, coverage, people, periods, store_status
from trail.findings.detector import daily, events, workdays
from trail.incidents.queries import incidents
from trail.ingest import pipeline
from trail.notifications import rule_store
from trail.notifications.evaluate import Alerts
from trail.notifications.rule import Rule
from trail.retention import policy
from trail.storage import schema
from trail.storage.duckdb import Store
from trail.storage.event_flags import AHEAD
from trail.storage.filters import Filter, Window

NOW = dt.datetime.now(dt.UTC)
LONG_AFTER = at(60 * 24 * 10)
HABITS = daily(workdays(0, 40), "users/ben", "Warehouses Modified", target="warehouse-1")
STRANGE = events(38, "11:00", "users/eve", "Warehouses Disabled", "warehouse-1")


def ingest(store: Store, records: Iterable[bytes | str], verified: bool | None) -> Batch:
    raw = [item.decode() if isinstance(item, bytes) else item for item in records]
    table = pa.table(
        {
            "line": range(1, len(raw) + 1),
            "raw": raw,
            "verified": pa.array([verified] * len(raw), pa.bool_()),
        }
    )
    return pipeline.load(store, Batch("records", "test"), iter([Chunk(table)]), Limits())


def dated(number: int, moment: dt.datetime, type: str = "Source Modified") -> str:
    return json.dumps(api_event(number, type, timestamp=moment.isoformat()))


def matched(store: Store, settings: Settings, alerts: Alerts) -> int:
    """Return how many events the alert rules have matched so far."""
    alerts.run_once()
    (history,) = rule_store.histories(store, 1, utc_now().date()).values()
    return sum(number for _, number, _ in history["days"])


def test_incident_of_unverified_attempts_opens_once_they_are_proven(store: Store) -> None:
    attempts = run(0, 5)
    ingest(store, attempts, verified=False)
    assert incidents(store, Filter(), LONG_AFTER) == []
    ingest(store, attempts, verified=True)
    (incident,) = incidents(store, Filter.parse("from=2026-10-01"), LONG_AFTER)
    assert incident.attempts == 5


def test_unverified_change_is_no_finding_until_it_is_proven(
    store: Store, settings: Settings
) -> None:
    detection.load(store, settings, HABITS)
    strange = [json.dumps(detection.record(event)) for event in STRANGE]
    ingest(store, strange, verified=False)
    assert {finding.actor_id for finding in detection.findings(store, 39)} <= {"users/ben"}
    ingest(store, strange, verified=None)
    assert "users/eve" in {finding.actor_id for finding in detection.findings(store, 39)}


def test_alert_matches_an_unverified_event_once_and_only_when_it_is_proven(
    store: Store, settings: Settings
) -> None:
    store.write(lambda cursor: rule_store.save(cursor, Rule("Any"), "owner"))
    alerts = Alerts(settings, lambda: store)
    assert matched(store, settings, alerts) == 0
    recent = [dated(number, NOW - dt.timedelta(minutes=number)) for number in (1, 2)]
    ingest(store, recent, verified=False)
    assert matched(store, settings, alerts) == 0
    ingest(store, recent[:1], verified=True)
    assert matched(store, settings, alerts) == 1
    ingest(store, recent[:1], verified=True)
    ingest(store, [dated(3, NOW)], verified=True)
    assert matched(store, settings, alerts) == 2
    assert matched(store, settings, alerts) == 2


def test_events_of_the_future_are_kept_and_left_out(store: Store, settings: Settings) -> None:
    store.write(lambda cursor: rule_store.save(cursor, Rule("Any"), "owner"))
    alerts = Alerts(settings, lambda: store)
    matched(store, settings, alerts)
    soon, far = NOW + AHEAD / 2, NOW + AHEAD + dt.timedelta(hours=1)
    ingest(store, [dated(1, NOW - dt.timedelta(hours=1)), dated(2, soon), dated(3, far)], None)
    future = Filter.parse("future_dated=yes")
    assert counts.count(store, future, NOW) == 1
    assert matched(store, settings, alerts) == 2
    later = far + dt.timedelta(days=1)
    for query, number in (("", 3), ("from=7d", 2), ("from=48h", 2), ("from=2020-01-01", 3)):
        assert counts.count(store, Filter.parse(query), later) == number, query
    assert counts.count(store, Filter.parse("from=7d&future_dated=yes"), later) == 1
    week = Filter.parse("from=7d")
    window = Window(later.replace(tzinfo=None) - dt.timedelta(days=7), later.replace(tzinfo=None))
    assert counts.count(store, periods.narrowed(week, window), later) == 2
    assert sum(day.events for day in coverage.days(store, later.replace(tzinfo=None), 7)) == 2
    newest = dt.datetime.fromisoformat(store_status.status(store)["newest"])
    assert newest.replace(tzinfo=None) == soon.replace(tzinfo=None)
    (person,) = people.actor_activity(store, week, later)
    assert person.last_at == soon.replace(tzinfo=None)


def test_events_of_the_future_expire_by_their_arrival(store: Store, settings: Settings) -> None:
    ingest(store, [dated(1, NOW), dated(2, NOW + dt.timedelta(days=800))], None)
    kept = dt.timedelta(days=settings.store.retention_days)
    assert fixed_clock.retain(store, settings, NOW + kept).events == 0
    late = NOW + kept + dt.timedelta(days=1)
    assert policy.preview(store, settings, late).events == 2
    assert fixed_clock.retain(store, settings, late).events == 2
    assert rows(store) == []
    assert counted(store) == ([], [])


@pytest.mark.parametrize("proven", [False, True])
def test_flags_of_an_earlier_database_are_set_when_it_is_opened(
    tmp_path_factory: pytest.TempPathFactory, proven: bool
) -> None:
    folder = tmp_path_factory.mktemp("earlier")
    store, settings = detection.open_store(folder)
    ingest(store, [dated(1, NOW), dated(2, NOW + dt.timedelta(days=30))], None)
    ingest(store, [dated(3, NOW)], verified=False)
    if proven:
        ingest(store, [dated(3, NOW)], verified=True)
    with_flags = store.table("select * from cube order by all").to_pylist()
    store.close()
    with duckdb.connect(str(settings.store.path)) as earlier:
        for sql in (
            "drop view trusted_events",
            *(f"alter table events drop column {name}" for name in ("unverified", "future_dated")),
            *(f"alter table quarantine drop column {n}" for n in ("verified", "named", "mapped")),
            "create or replace temp table plain as select hour, action_key, actor_type, "
            "target_type, workspace_id, sum(n)::bigint as n from cube group by all",
            "delete from cube",
            *(f"alter table cube drop column {name}" for name in ("unverified", "future_dated")),
            "insert into cube select * from plain",
            schema.STEPS[11],  # 012_event_flags.sql
        ):
            earlier.execute(sql)
    store = Store.open(settings.store.path, settings)
    try:
        assert store.table("select * from cube order by all").to_pylist() == with_flags
        assert counts.unverified(store, Filter(), NOW) == (0 if proven else 1)
        assert counts.count(store, Filter.parse("future_dated=yes"), NOW) == 1
    finally:
        store.close()
