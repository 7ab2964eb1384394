"""Refresh: what is aggregated and rescored, and what stays: decisions and old scores."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import detection, fixed_clock
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.findings import expected_activity, queries, risks, rule_toggles, rules
from trail.findings.detector import FIRST_DAY, ExampleEvent, daily, events, workdays
from trail.findings.finding_store import finding_id
from trail.findings.model import Finding
from trail.findings.refresh import refresh
from trail.storage import cube
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

HABITS = (
    *daily(workdays(0, 40), "users/ana", "Source Modified", target="source-1"),
    *daily(workdays(0, 40), "users/ben", "Warehouses Modified", target="warehouse-1"),
)
STRANGE = events(38, "11:00", "users/ana", "Warehouses Disabled", "warehouse-1")


@pytest.fixture(scope="module")
def prepared(module_store: Store, module_settings: Settings) -> Path:
    """Return a scored database with two regular activities and one unusual day, to be copied."""
    detection.load(module_store, module_settings, (*HABITS, *STRANGE))
    refresh(module_store, detection.end_of_day(39))
    module_store.close()
    return module_settings.store.path


@pytest.fixture
def filled(prepared: Path, settings: Settings) -> Iterator[Store]:
    """Return a copy of the prepared database."""
    shutil.copy(prepared, settings.store.path)
    opened = Store.open(settings.store.path, settings)
    yield opened
    opened.close()


def finding_of(store: Store, actor: str = "users/ana", day: int = 38) -> Finding:
    one = queries.get(store, finding_id(FIRST_DAY + dt.timedelta(days=day), actor))
    assert one
    return one


def test_refresh_without_new_events_does_nothing(filled: Store) -> None:
    again = refresh(filled, detection.end_of_day(39))
    assert (again.folded, again.since, again.findings) == (0, None, 0)


def test_an_empty_store_has_no_findings(store: Store) -> None:
    assert refresh(store, detection.end_of_day(3)).since is None
    queue = queries.queue(store, Filter(), detection.end_of_day(3))
    assert queue.findings == []
    assert queue.budget.status_text() == "No events recorded yet."


def test_only_a_new_day_is_scored(filled: Store, settings: Settings) -> None:
    detection.load(
        filled, settings, events(40, "10:00", "users/ana", "Source Modified", "source-1")
    )
    done = refresh(filled, detection.end_of_day(40))
    assert done.folded == 1
    # The day before may not have been complete when it was last scored.
    assert done.since == FIRST_DAY + dt.timedelta(days=39)


def test_late_event_rescores_its_day_and_later_days(filled: Store, settings: Settings) -> None:
    detection.load(filled, settings, events(20, "10:07", "users/ana", "Warehouses Disabled", "w-2"))
    done = refresh(filled, detection.end_of_day(39))
    assert done.since == FIRST_DAY + dt.timedelta(days=20)
    assert "on 1 of 29 earlier active days" in finding_of(filled).reasons[0].text


def test_reasons_contain_their_numbers(filled: Store) -> None:
    (reason, *_) = finding_of(filled).reasons
    assert reason.text.startswith("Had never disabled a warehouse in 28 earlier active days; ")


def test_decision_survives_rescoring(filled: Store, settings: Settings) -> None:
    id_ = finding_of(filled).finding_id
    filled.write(
        lambda cursor: cursor.execute(
            "update findings set state = 'expected' where finding_id = $id", {"id": id_}
        )
    )
    detection.load(filled, settings, events(2, "10:07", "users/ben", "Source Modified", "source-2"))
    refresh(filled, detection.end_of_day(39))
    assert finding_of(filled).state == "expected"


def test_retention_keeps_scores_and_trims_aggregates(filled: Store, settings: Settings) -> None:
    before = finding_of(filled)
    now = dt.datetime.combine(FIRST_DAY + dt.timedelta(days=120), dt.time())
    fixed_clock.retain(filled, settings, now)
    edge = settings.store.cutoff(now).date()
    done = refresh(filled, detection.end_of_day(39))
    assert done.since is None
    assert done.folded == 22  # working days before the cutoff
    oldest = filled.table("select min(day) as day from daily_actions")["day"][0].as_py()
    assert oldest >= edge
    assert finding_of(filled) == before


def test_removed_findings_count_only_for_thresholds(store: Store, settings: Settings) -> None:
    detection.load(
        store, settings, (*HABITS, *events(20, "11:00", "users/ana", "Source Deleted", "s"))
    )
    refresh(store, detection.end_of_day(39))
    queue = queries.queue(store, Filter(), detection.end_of_day(39))
    gone = finding_of(store, day=20)
    assert gone.finding_id in {finding.finding_id for finding in queue.findings}
    now = dt.datetime.combine(FIRST_DAY + dt.timedelta(days=120), dt.time())
    fixed_clock.retain(store, settings, now)
    refresh(store, detection.end_of_day(39))
    after = queries.queue(store, Filter(), detection.end_of_day(39), everything=True)
    assert gone.finding_id not in {finding.finding_id for finding in after.findings}
    assert after.budget.thresholds == queue.budget.thresholds
    assert finding_of(store, day=20).reasons == ()


def test_late_event_is_detected_when_retention_removes_as_many(
    filled: Store, settings: Settings
) -> None:
    filled.write(
        lambda cursor: cursor.execute(
            "delete from events where occurred_at::date = $day and actor_key = "
            "(select actor_key from actors where actor_id = 'users/ben')",
            {"day": FIRST_DAY + dt.timedelta(days=38)},
        )
    )
    filled.write(
        lambda cursor: cursor.execute(
            "delete from cube where hour::date = $day",
            {"day": FIRST_DAY + dt.timedelta(days=38)},
        )
    )
    detection.load(filled, settings, events(38, "12:00", "users/cyd", "Source Deleted", "source-1"))
    filled.write(
        lambda cursor: cursor.execute(
            "insert into cube by name "
            + cube.counted(where="occurred_at::date = $day and actor_id <> 'users/cyd'"),
            {"day": FIRST_DAY + dt.timedelta(days=38)},
        )
    )
    assert refresh(filled, detection.end_of_day(39)).folded == 1
    assert finding_of(filled, "users/cyd").score > 0


def test_changed_risk_changes_the_score_and_its_version(filled: Store) -> None:
    before = finding_of(filled)
    assert before.risk_version == 0
    assert risks.set_risk(filled, "warehouse disabled", 1, "we do it weekly", "owner") == 1
    refresh(filled, detection.end_of_day(39))
    after = finding_of(filled)
    assert (after.risk_version, after.score < before.score) == (1, True)
    table = {row["action"]: row for row in risks.current(filled)}
    assert table["Warehouses Disabled"]["risk"] == 1
    assert table["Warehouses Disabled"]["catalogue"] == 8
    assert risks.set_risk(filled, "Warehouses Disabled", None, "back again", "owner") == 2
    refresh(filled, detection.end_of_day(39))
    assert finding_of(filled).reasons == before.reasons
    assert [row["version"] for row in risks.history(filled)] == [2, 1]
    with pytest.raises(InputError):
        risks.set_risk(filled, "Warehouses Disabled", 11, "too much", "owner")
    with pytest.raises(InputError):
        risks.set_risk(filled, "Warehouses Disabled", 3, " ", "owner")


def test_expected_activity_counts_as_familiar(filled: Store, settings: Settings) -> None:
    detection.load(
        filled, settings, events(39, "11:00", "users/ana", "Warehouses Disabled", "warehouse-1")
    )
    refresh(filled, detection.end_of_day(39))
    first, second = finding_of(filled), finding_of(filled, day=39)
    day = first.day
    expected_activity.mark_expected(
        filled, "users/ana", ["Warehouses Disabled"], day, day + dt.timedelta(days=30), "hers", "r"
    )
    refresh(filled, detection.end_of_day(39))
    assert finding_of(filled) == first
    left = queries.get(filled, second.finding_id)
    assert left is None or left.score < second.score
    assert [row["action"] for row in expected_activity.active(filled, day)] == [
        "Warehouses Disabled"
    ]
    expected_activity.end_expected(filled, "users/ana", "Warehouses Disabled", day)
    refresh(filled, detection.end_of_day(39))
    assert finding_of(filled, day=39) == second
    with pytest.raises(InputError):
        expected_activity.mark_expected(
            filled, "users/ana", ["x"], day, day + dt.timedelta(days=91), "long", "r"
        )


def test_enabled_rule_adds_its_points(filled: Store) -> None:
    before = finding_of(filled)
    matches = rules.back_test(filled, rules.rule("warehouse-disabled"), detection.end_of_day(39))
    assert (matches.count, matches.summary) == (1, "1 match in the last 90 days")
    assert matches.rows[0]["actor_id"] == "users/ana"
    rule_toggles.set_enabled(filled, "warehouse-disabled", "owner", on=True)
    refresh(filled, detection.end_of_day(39))
    after = finding_of(filled)
    assert after.score == before.score + 60 == sum(reason.points for reason in after.reasons)
    assert after.reasons[-1].detector == "rule:warehouse-disabled"
    states = {state["rule"].name: state for state in rule_toggles.states(filled)}
    assert states["warehouse-disabled"]["made_by"] == "owner"
    rule_toggles.set_enabled(filled, "warehouse-disabled", "owner", on=False)
    refresh(filled, detection.end_of_day(39))
    assert finding_of(filled) == before
    with pytest.raises(InputError):
        rule_toggles.set_enabled(filled, "no such", "owner", on=True)


def test_permission_checks_and_system_events_are_in_no_baseline(
    store: Store, settings: Settings
) -> None:
    noise = [
        ExampleEvent(
            dt.datetime.combine(FIRST_DAY + dt.timedelta(days=day), dt.time(9)), who, what, "t"
        )
        for day in range(40)
        for who, what in (("system", "Source Disabled"), ("users/cyd", "Permission Check"))
    ]
    detection.load(store, settings, (*HABITS, *STRANGE))
    quiet = detection.findings(store, 39)
    detection.load(store, settings, noise)
    assert detection.findings(store, 39) == quiet
    assert store.table(
        "select count(*) as n from daily_actions join actors using (actor_key) "
        "where actor_id in ('system', 'users/cyd')"
    )["n"].to_pylist() == [0]


def test_sequences_of_an_earlier_version_are_found_again(store: Store, settings: Settings) -> None:
    usual = daily(workdays(0, 40), "users/ana", "Audience Modified", target="audience-1")
    changed = [
        event
        for minute in range(4)
        for event in events(43, f"16:0{minute}", "users/ana", "Destination Filters Modified", "f")
    ]
    made = events(43, "16:20", "users/ana", "Integrations Created", "i")
    detection.load(store, settings, [*usual, *changed, *made])

    def begin() -> dt.datetime | None:
        (finding,) = detection.findings(store, 43)
        return next(reason.since for reason in finding.reasons if reason.detector == "chain")

    assert begin() == changed[0].at
    # An earlier version began them with the last opening step.
    store.write(
        lambda cursor: cursor.execute(
            "update daily_chains set since = $at", {"at": changed[-1].at}
        ).fetchall()
    )
    rule_toggles.set_enabled(store, "user-removed", "ann", on=True)
    assert begin() == changed[0].at
