"""The seals tab names what was archived and what was removed."""

from tests import drawn_page, fixed_clock
from tests.conftest import Load
from tests.trail.incidents.failures import at, change, text
from trail.runtime.process import Runtime

DAY = 60 * 24


def test_archived_and_removed_events_are_named_apart(runtime: Runtime, load: Load) -> None:
    load(text(*(change(day * DAY + place) for day in range(4) for place in range(3))))
    query = "section=seals&tz=UTC"
    assert "No events archived or removed" in drawn_page.draw("admin", query).text

    def retain(retention_days: int, archive_days: int) -> str:
        """Apply these periods; return what the tab has about it."""
        limits = {"archive": True, "retention_days": retention_days, "archive_days": archive_days}
        kept = runtime.settings.store.model_copy(update=limits)
        settings = runtime.settings.model_copy(update={"store": kept})
        fixed_clock.retain(runtime.store, settings, at(4 * DAY).replace(tzinfo=None))
        shown = drawn_page.draw("admin", query).text.splitlines()
        return next(line for line in shown if "Each change is sealed." in line)

    sealed = "Each change is sealed."
    assert retain(2, 0) == f"Archived: 6 events of 2 days. Removed: none. {sealed}"
    assert retain(2, 3) == f"Archived: 6 events of 2 days. Removed: 3 events of 1 day. {sealed}"
