"""The previous event and the next failure of a target."""

from typing import Any

from tests.conftest import Load
from tests.trail.incidents.failures import AUDIENCE, WAREHOUSE, at, line, run, text
from trail.events import events
from trail.events.target_events import next_failure, previous_event, target_filter
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

NOW = at(60 * 24)
NAMED = ("", "", "Only a name")


def event_of(store: Store, event_id: str) -> dict[str, Any]:
    event = events.get(store, event_id)
    assert event
    return event


def test_previous_event_of_the_target_and_of_its_action(store: Store, load: Load) -> None:
    load(
        text(
            line(0, "Warehouses Modified", WAREHOUSE, "first"),
            line(5, "Warehouse Run Failed", WAREHOUSE, "failed"),
            line(5, "Warehouses Modified", AUDIENCE, "other-target"),
            line(9, "Warehouses Modified", WAREHOUSE, "last"),
            line(1, "Source Modified", NAMED, "n1"),
            line(2, "Source Modified", NAMED, "n2"),
            line(3, "Source Modified", ("", "", ""), "none"),
        )
    )

    def previous(event_id: str, action: str = "") -> str | None:
        found = previous_event(store, event_of(store, event_id), NOW, action)
        assert found is None or found["raw"]
        return found and found["event_id"]

    assert previous("last") == "failed"
    assert previous("last", "Warehouses Modified") == "first"
    assert previous("first") is None
    assert previous("n2") == "n1"
    assert previous("none") is None
    assert target_filter(event_of(store, "none")) is None


def test_next_failure_of_the_target_else_of_the_filter(store: Store, load: Load) -> None:
    load(
        text(
            line(0, "Warehouses Modified", WAREHOUSE, "edit"),
            line(90, "Warehouses Modified", WAREHOUSE, "after"),
            *run(30, 2, WAREHOUSE),
            *run(100, 1, AUDIENCE),
        )
    )

    def following(event_id: str, query: str = "") -> float | None:
        found = next_failure(store, event_of(store, event_id), Filter.parse(query), NOW)
        return found and (found["occurred_at"] - at(0).replace(tzinfo=None)).total_seconds() / 60

    assert following("edit") == 30
    assert following("edit", "outcome=-failure&from=2026-11-01") == 30
    assert following("after") == 100
    assert following("after", "q=VIP") == 100
    assert following("after", "outcome=-failure") is None
    assert following("after", "target_type=warehouse") is None
