"""Queries of incidents: filters, summary, attempts, days, recurrence and likely causes."""

import json
from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from typing import Any

import pytest

from tests.conftest import Load
from tests.trail.incidents.failures import AUDIENCE, START, WAREHOUSE, at, change, line, run, text
from trail.events import counts, coverage
from trail.events.cursor import Cursor
from trail.incidents import attempt_strip, queries
from trail.incidents.incident import ORDERS, Change, Incident
from trail.incidents.incident_json import records
from trail.incidents.likely_causes import candidates, changes_before
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

NOW = at(60 * 24 * 3)
DAY = 60 * 24


@pytest.fixture(scope="module")
def filled(module_store: Store, module_load: Callable[[bytes], object]) -> Store:
    """Return a store with an outage of a warehouse, a transient, and a storm of six audiences."""
    storm = (run(DAY + n, 1, ("audience", f"a{n}", f"A {n}")) for n in range(6))
    module_load(
        text(
            *(item for hour in range(6) for item in run(60 * hour, 5, WAREHOUSE)),
            *run(90, 2),
            *(item for lines in storm for item in lines),
            change(60 * 8 - 1),
            change(3 * DAY - 1),
        )
    )
    return module_store


def asked(store: Store, query: str = "") -> list[str]:
    result = queries.incidents(store, Filter.parse(query), NOW)
    return [item.class_ for item in result]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["persistent", "storm", "transient"]),
        ("category=Warehouses", ["persistent"]),
        ("category=-Warehouses", ["storm", "transient"]),
        ("action=Warehouse+Run+Failed", ["persistent"]),
        ("target=aud_vip", ["transient"]),
        ("target=VIP", ["transient"]),
        ("target=a3", ["storm"]),
        ("target_type=warehouse", ["persistent"]),
        ("actor=users/ana&q=snowflake", ["persistent"]),
        ("q=raw:aud_vip", ["transient"]),
        ("actor=users/bo", []),
        ("kind=partial", []),
        ("from=2026-10-06T04:00:00Z&to=2026-10-06T05:00:00Z", ["persistent"]),
        ("from=2026-10-07", ["storm"]),
    ],
)
def test_a_filter_chooses_incidents_by_their_attempts(
    filled: Store, query: str, expected: list[str]
) -> None:
    assert asked(filled, query) == expected


def test_a_narrow_window_shows_the_whole_incident(filled: Store) -> None:
    filter_ = Filter.parse("from=2026-10-06T04:00:00Z&to=2026-10-06T04:02:00Z")
    assert [incident.attempts for incident in queries.incidents(filled, filter_, NOW)] == [30]


def test_an_incident_is_found_by_its_id(filled: Store) -> None:
    for incident in queries.incidents(filled, Filter(), NOW):
        assert queries.incident(filled, incident.incident_id, NOW) == incident
    assert queries.incident(filled, "no-such", NOW) is None


def test_tiles_agree_with_the_table(filled: Store) -> None:
    summary = queries.summary(filled, Filter(), at(DAY - 60 * 16))
    assert (
        summary.incidents,
        summary.attempts,
        summary.transient_attempts,
        summary.transient_closed,
    ) == (3, 38, 2, 0)
    assert summary.by_class == {
        "persistent": 1,
        "retries exhausted": 0,
        "repeating": 0,
        "storm": 1,
        "transient": 1,
    }
    result = queries.incidents(filled, Filter(), at(DAY - 60 * 16), only_open=True)
    assert len(result) == summary.open == 2


def test_what_happened_since_the_end_of_data_is_unknown(store: Store, load: Load) -> None:
    outage = [item for hour in range(6) for item in run(60 * hour, 5, WAREHOUSE)]
    load(text(*outage, *run(30, 2), change(60 * 6)))
    late = queries.incidents(store, Filter(), at(60 * 40))
    assert [(row.class_, row.open, row.state) for row in late] == [
        ("persistent", True, "unknown"),
        ("transient", True, "unknown"),
    ]
    assert {row.known_until for row in late} == {at(60 * 6).replace(tzinfo=None)}
    assert queries.summary(store, Filter(), at(60 * 40)).unknown == 2
    # A covered time without failures is data, too.
    store.write(
        lambda cursor: coverage.note(
            cursor, "api", coverage.WATCHED, at(0).replace(tzinfo=None), at(60 * 39)
        )
    )
    assert [row.state for row in queries.incidents(store, Filter(), at(60 * 40))] == ["quiet"] * 2
    assert queries.summary(store, Filter(), at(60 * 40)).open == 0


def test_closed_transient_incidents_can_be_folded(filled: Store) -> None:
    folded = [incident.class_ for incident in queries.incidents(filled, Filter(), NOW, fold=True)]
    assert folded == ["persistent", "storm"]
    assert queries.summary(filled, Filter(), NOW).transient_closed == 1
    while_it_lasts = queries.incidents(filled, Filter(), at(95), fold=True)
    assert "transient" in [it_last.class_ for it_last in while_it_lasts if it_last.open]


def test_pages_and_classes(filled: Store) -> None:
    whole = queries.incidents(filled, Filter(), NOW)
    parts = [queries.incidents(filled, Filter(), NOW, rows=1, skip=n)[0] for n in range(3)]
    assert parts == whole
    only = queries.incidents(filled, Filter(), NOW, classes=("storm", "transient"))
    assert only == whole[1:]


@pytest.mark.parametrize("name", ORDERS)
def test_orders_run_over_all_incidents_and_page(filled: Store, name: str) -> None:
    ascending = queries.incidents(filled, Filter(), NOW, order=name)
    descending = queries.incidents(filled, Filter(), NOW, order=f"-{name}")
    assert sorted(map(repr, ascending)) == sorted(map(repr, descending))
    values: dict[str, Callable[[Incident], Any]] = {
        "state": lambda row: row.open,
        "duration": lambda row: row.duration_s,
        "recover": lambda row: row.recover_s,
        "total": lambda row: row.attempts,
        "class": lambda row: row.class_,
        "target": lambda row: (row.target_name or row.target_id or row.action).lower(),
        "action": lambda row: row.action.lower(),
    }
    value = values.get(name) or attrgetter(name)
    for result, backwards in ((ascending, False), (descending, True)):
        known = [item for item in map(value, result) if item is not None]
        assert known == sorted(known, reverse=backwards)
        assert all(value(row) is None for row in result[len(known) :])
    parts = [queries.incidents(filled, Filter(), NOW, order=name, rows=1, skip=n) for n in range(3)]
    assert [row for part in parts for row in part] == ascending


def test_attempts_by_time_page_by_page(filled: Store) -> None:
    outage, storm, _ = queries.incidents(filled, Filter(), NOW)
    ids = queries.attempt_ids(filled, [outage, storm])
    rows, after = [], None
    while part := queries.attempts(filled, outage, after=after, rows=7):
        rows += part
        after = Cursor(part[-1]["occurred_at"], part[-1]["event_id"])
    assert [row["event_id"] for row in rows] == ids[outage.incident_id]
    assert len({row["run"] for row in rows}) == outage.runs == 6
    assert len(ids[storm.incident_id]) == len(queries.attempts(filled, storm)) == 6


def test_explore_shows_the_same_attempts(filled: Store) -> None:
    for incident in queries.incidents(filled, Filter(), NOW):
        narrow = queries.attempts_filter(
            filled, Filter.parse("tz=Europe/Oslo&kind=failure"), incident, NOW
        )
        assert counts.count(filled, Filter.parse(narrow.query()), NOW) == incident.attempts


def test_day_strips_include_every_day(filled: Store) -> None:
    result = attempt_strip.strips(filled, Filter(), NOW, days=30, most=3)
    assert len(result.days) == 30
    assert result.strips[0].target_id == "wh_prod"
    assert sum(result.strips[0].by_day) == result.strips[0].attempts == 30
    assert (len(result.strips), result.more) == (3, 5)
    # Rows of one target are told apart by what fails.
    first = result.strips[0]
    twice = [first, replace(first, action="Warehouse Sync Failed"), result.strips[1]]
    names = attempt_strip.names(twice)
    assert names[:2] == [f"{first.target_name} · {one.action}" for one in twice[:2]]
    assert names[2] == twice[2].target_name
    assert attempt_strip.strips(filled, Filter.parse("target=none"), NOW).strips == []


def test_recurrence(store: Store, load: Load) -> None:
    load(
        text(
            *(item for day in (0, 10, 20) for item in run(day * DAY, 5)),
            *run(5, 1, ("audience", "other", "Other")),
            line(30 * DAY, "Source Modified", ("source", "s", "S")),
        )
    )
    result = queries.incidents(store, Filter.parse("target=aud_vip"), at(40 * DAY))[0]
    often = queries.recurrence(store, result)
    assert (often.incidents, often.attempts, often.per_30d) == (3, 15, pytest.approx(3))
    assert often.peer_median_per_30d == pytest.approx(2)
    assert often.mean_interval_s == pytest.approx(10 * 86_400)
    assert often.median_duration_s == 15 * 60
    assert often.share == pytest.approx(15 / 16)


def test_success_event_closes_an_incident(store: Store, load: Load) -> None:
    load(text(*run(0, 3), line(40, "Audience Run Complete", AUDIENCE), *run(60 * 30, 1)))
    last, first = sorted(
        queries.incidents(store, Filter(), at(60 * 30 + 5)), key=lambda item: not item.open
    )
    assert (first.open, first.completed_at) == (False, at(40).replace(tzinfo=None))
    assert (last.open, last.completed_at) == (True, None)
    assert queries.summary(store, Filter(), at(60)).open == 1


def changed(store: Store, load: Load, *lines: bytes) -> list[Change]:
    load(text(*lines), "changes.ndjson")
    result = queries.incidents(store, Filter.parse("category=Warehouses"), NOW)
    return changes_before(store, result)[result[0].incident_id]


OUTAGE = [item for hour in range(6) for item in run(60 * hour, 5, WAREHOUSE)]
OLD = line(-80 * DAY, "Source Modified", ("source", "s", "S"))


def test_an_edit_just_before_is_the_likely_cause(store: Store, load: Load) -> None:
    edit = line(-12, "Warehouses Modified", WAREHOUSE, "edit")
    older = line(-40 * DAY, "Warehouses Modified", WAREHOUSE)
    after = line(2, "Warehouses Modified", WAREHOUSE)
    far = line(-DAY - 1, "Warehouses Modified", WAREHOUSE)
    result = changed(store, load, OLD, edit, older, after, far, *OUTAGE)
    assert [(item.event_id, item.likely_cause, item.before_s) for item in result] == [
        ("edit", True, 720)
    ]
    assert result[0].changes == 3
    assert result[0].interval_days == pytest.approx(80 / 3, rel=0.01)


def test_a_daily_change_is_not_a_likely_cause(store: Store, load: Load) -> None:
    edits = [
        line(-12 - day * DAY, "Warehouses Modified", WAREHOUSE, f"edit{day:02}")
        for day in range(80)
    ]
    result = changed(store, load, OLD, *edits, *OUTAGE)
    assert [item.event_id for item in result] == ["edit00"]
    assert result[0].bits == pytest.approx(6.9, abs=0.1)
    more = [line(-60 * hour, "Warehouses Modified", WAREHOUSE, f"h{hour}") for hour in range(1, 9)]
    result = changed(store, load, *more, *OUTAGE)
    assert result[0].event_id == "edit00"
    assert len(result) == 3


def test_failures_and_reads_are_not_changes(store: Store, load: Load) -> None:
    run_forced = line(-5, "Audience Run Forced", WAREHOUSE)
    other = line(-6, "Storage Destination Sync Skipped", WAREHOUSE)
    assert changed(store, load, OLD, run_forced, other, *OUTAGE) == []


def test_an_upstream_change_is_listed_but_never_a_likely_cause(store: Store, load: Load) -> None:
    failing = [
        line(60 * hour + wait, "Warehouse Run Failed", WAREHOUSE, source_id="src_shop")
        for hour in range(3)
        for wait in (0, 1, 3, 7, 15)
    ]
    edit = line(-3, "Source Modified", ("source", "src_shop", "Shop"), "edit")
    result = changed(store, load, OLD, edit, *failing)
    assert [(item.event_id, item.upstream, item.likely_cause) for item in result] == [
        ("edit", True, False)
    ]
    assert result[0].bits > 10


def test_a_storm_has_no_likely_cause(store: Store, load: Load) -> None:
    lines = [item for n in range(6) for item in run(n, 2, ("audience", f"a{n}", f"A {n}"))]
    load(text(OLD, line(-2, "Audience Modified", ("audience", "a0", "A 0")), *lines))
    result = queries.incidents(store, Filter(), NOW)
    assert [item.class_ for item in result] == ["storm"]
    assert changes_before(store, result) == {result[0].incident_id: []}


@pytest.mark.parametrize(
    ("raw", "target_id", "expected"),
    [
        ("not json", "x", []),
        ("[]", "x", []),
        ('{"properties": 3}', "x", []),
        ('{"properties": {"details": {"a_id": 3, "b_id": "", "user_id": "u"}}}', "x", []),
        (json.dumps({"properties": {"details": {"space_id": "spaces/s1"}}}), "x", ["s1"]),
        ("", "spaces/s1/audiences/a1", ["s1"]),
        ("", "audiences/a1", []),
    ],
)
def test_candidates(raw: str, target_id: str, expected: list[str]) -> None:
    assert candidates(raw, target_id) == expected


def test_records_have_the_documented_fields(filled: Store) -> None:
    result = list(records(filled, Filter(), NOW))
    assert [item["class"] for item in result] == ["persistent", "storm", "transient"]
    names = {"incident_id", "action", "target_id", "class", "open", "first_at", "last_at"}
    for item in result:
        assert names | {"attempts", "event_ids", "changes_before"} <= set(item)
        assert len(item["event_ids"]) == item["attempts"]
        json.dumps(item)
    assert result[0]["first_at"] == START.replace(tzinfo=None).isoformat() + "Z"
    assert (result[1]["target_id"], result[1]["targets"]) == (None, 6)


def test_an_empty_database_has_no_incidents(store: Store) -> None:
    assert queries.incidents(store, Filter(), NOW) == []
    assert queries.summary(store, Filter(), NOW).incidents == 0
    assert changes_before(store, []) == {}
    assert attempt_strip.strips(store, Filter(), NOW).strips == []
