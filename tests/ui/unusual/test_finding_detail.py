"""A finding shows the same before and after the days around it are archived."""

import pytest

from tests import detection, drawn_page, fixed_clock
from tests.drawn_page import DrawnPage
from trail.findings.detector import daily, events, workdays
from trail.findings.refresh import refresh
from trail.runtime.process import Runtime
from trail.storage.duckdb import Store

LAST = 39


def _facts(page: DrawnPage) -> list[str]:
    starts = ("Hatched: ", "In the 28 days up to this one, ", "Events per day, ")
    return [line for line in page.text.splitlines() if line.startswith(starts)]


def test_archived_days_have_data(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    store, now = runtime.store, detection.end_of_day(LAST)
    history = (
        *daily(workdays(0, 40), "users/ana", "Source Modified", target="source-1"),
        *daily(workdays(0, 40), "users/ben", "Warehouses Modified", target="warehouse-1"),
        *events(36, "11:00", "users/ben", "Warehouses Disabled", "warehouse-1"),
        *events(38, "11:00", "users/ana", "Warehouses Disabled", "warehouse-1"),
    )
    detection.load(store, runtime.settings, history)
    refresh(store, now)
    monkeypatch.setattr(Store, "now", lambda _: now)
    query = "from=7d&tz=UTC"
    before = drawn_page.draw("unusual", query)
    assert "Hatched: no data, 51 days" in _facts(before)
    assert before.components["ranges"][0]["note"].startswith("Middle 90 % of 26 earlier active")
    kept = runtime.settings.store.model_copy(update={"archive": True, "retention_days": 3})
    settings = runtime.settings.model_copy(update={"store": kept})
    assert fixed_clock.retain(store, settings, now).archived
    refresh(store, now)
    after = drawn_page.draw("unusual", query)
    assert _facts(after) == _facts(before)
    assert after.components["ranges"] == before.components["ranges"]
