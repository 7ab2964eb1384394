"""What followed a change: the evidence of "what changed before", turned round."""

import pytest

from tests.conftest import Load
from tests.trail.incidents.failures import WAREHOUSE, at, line, run, text
from trail.events import events
from trail.incidents import cause_score, incident_text, queries
from trail.incidents.followed import Followed, followed, is_change
from trail.incidents.likely_causes import evidence
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

NOW = at(60 * 24 * 3)
DAY = 60 * 24
OUTAGE = [item for hour in range(6) for item in run(60 * hour, 5, WAREHOUSE)]
OLD = line(-80 * DAY, "Source Modified", ("source", "s", "S"))
SHOP = ("source", "src_shop", "Shop")


def after(store: Store, event_id: str) -> Followed:
    event = events.get(store, event_id)
    assert event
    return followed(store, event, NOW)


def test_both_directions_have_the_same_evidence(store: Store, load: Load) -> None:
    upstream = [
        line(40 + wait, "Audience Run Failed", ("audience", "a1", "A"), source_id="src_shop")
        for wait in (0, 1, 3, 7, 15)
    ]
    changes = [
        line(-12, "Warehouses Modified", WAREHOUSE, "edit"),
        line(-DAY, "Warehouses Modified", WAREHOUSE, "day-before"),
        line(-DAY - 1, "Warehouses Modified", WAREHOUSE, "too-early"),
        line(0, "Warehouses Modified", WAREHOUSE, "same-moment"),
        line(1, "Warehouses Modified", WAREHOUSE, "after"),
        line(30, "Source Modified", SHOP, "shop"),
        line(-5, "Source Modified", ("source", "s2", "S2"), "unrelated"),
    ]
    load(text(OLD, *changes, *OUTAGE, *upstream))
    incidents = queries.incidents(store, Filter(), NOW)
    before = {
        (incident_id, change.event_id): change
        for incident_id, changes in evidence(store, incidents).items()
        for change in changes
    }
    pairs = {
        (failure.incident.incident_id, name): failure.evidence
        for name in ("edit", "day-before", "too-early", "same-moment", "after", "shop", "unrelated")
        for failure in after(store, name).failures
    }
    assert pairs == before
    assert {name for _, name in pairs} == {"edit", "day-before", "shop"}
    strengths = {name: change.strength for (_, name), change in pairs.items()}
    assert strengths == {"edit": "strong", "day-before": "moderate", "shop": "weak"}


def test_other_changes_and_failures_are_counted_apart(store: Store, load: Load) -> None:
    others = [line(n, "Source Modified", ("source", f"s{n}", f"S {n}")) for n in range(1, 5)]
    load(
        text(
            line(-12, "Warehouses Modified", WAREHOUSE, "edit"),
            *others,
            line(9, "User Role Changed", ("user", "u1", "Ines"), "risky"),
            line(600, "Warehouses Modified", WAREHOUSE, "again"),
            line(3, "Audience Run Forced", WAREHOUSE),
            line(-12 + DAY + 1, "Source Modified", SHOP),
            *run(20, 1),
        )
    )
    result = after(store, "edit")
    assert (result.failures, result.other_failures) == ([], 1)
    assert [(row["event_id"], row["same_target"]) for row in result.changes[1:]] == [
        ("risky", False),
        ("again", True),
    ]
    assert (len(result.changes), result.all_changes) == (3, 6)


def test_a_change_of_a_nameless_target_is_not_connected(store: Store, load: Load) -> None:
    load(
        text(
            line(-5, "Source Modified", ("", "", ""), "edit"),
            *run(0, 1, ("", "", ""), "Run Failed"),
        )
    )
    result = after(store, "edit")
    assert result.failures == []


def test_only_trusted_changes_are_followed(store: Store, load: Load) -> None:
    load(text(line(0, "Source Modified", SHOP, "edit"), line(1, "Source Run Failed", SHOP, "fail")))
    edit, failure = events.get(store, "edit"), events.get(store, "fail")
    assert edit
    assert failure
    assert is_change(edit)
    assert not is_change(edit | {"unverified": True})
    assert not is_change(failure)


def test_the_incident_of_a_failed_event(store: Store, load: Load) -> None:
    load(text(*OUTAGE, line(0, "Source Modified", SHOP, "edit")))
    (incident,) = queries.incidents(store, Filter(), NOW)
    (attempt, *_) = queries.attempts(store, incident)
    edit = events.get(store, "edit")
    assert edit
    assert queries.incident_of(store, attempt, NOW) == incident
    assert queries.incident_of(store, edit, NOW) is None


@pytest.mark.parametrize(
    ("bits", "incidents", "days", "expected"),
    [
        (5, 10, 300, "about once in 960 days"),
        (3, 10, 30, "about once in 24 days"),
        (12, 20, 90, "about once in 50 years"),
        (20, 1, 90, "less than once in 100 years"),
        (0, 40, 30, "about once a day or more often"),
    ],
)
def test_chance_in_words(bits: float, incidents: int, days: float, expected: str) -> None:
    seconds = cause_score.chance_s(bits, incidents, days * 86_400)
    assert incident_text.chance_text(seconds / 86_400) == expected
