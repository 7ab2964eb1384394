"""Archived events of unknown types, and those dated in the future, are counted on the tabs."""

import datetime as dt

from tests import drawn_page, fixed_clock
from tests.conftest import Load
from tests.segment_records import api_event, ndjson
from trail.core.clock import utc_now
from trail.runtime.process import Runtime


def test_archived_events_are_counted(runtime: Runtime, load: Load) -> None:
    now = utc_now()
    load(
        ndjson(
            {
                **api_event(number),
                "type": "Gizmo Calibrated",
                "timestamp": f"{(now + dt.timedelta(days=days)).isoformat()}Z",
            }
            for number, days in enumerate((-1, 1))
        )
    )

    def shown(section: str) -> list[str]:
        """Return the lines of a tab that count events."""
        lines = drawn_page.draw("admin", f"section={section}&tz=UTC").text.splitlines()
        return [line for line in lines if line.startswith(("2 events, ", "▲ 1 event dated "))]

    before = shown("types"), shown("coverage")
    assert all(before)
    kept = runtime.settings.store.model_copy(update={"archive": True, "retention_days": 2})
    settings = runtime.settings.model_copy(update={"store": kept})
    later = now + dt.timedelta(days=5)
    assert fixed_clock.retain(runtime.store, settings, later).archived == 2
    assert (shown("types"), shown("coverage")) == before
