"""An incident whose archived attempts or changes cannot be read does not claim that there are none.

Pages name the missing files.
"""

import contextlib

import pytest

from tests import drawn_page, fixed_clock
from tests.conftest import Load
from tests.trail.incidents.failures import AUDIENCE, at, change, line, run, text
from trail.core.errors import UnavailableError
from trail.incidents import queries
from trail.runtime.process import Runtime
from trail.storage import cold_tier, tiers
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

DAY = 60 * 24
NOW = at(5 * DAY)
NOTICE = "missing or damaged"
NO_CHANGE = "No recorded change before the first failure."


@pytest.fixture
def archived(runtime: Runtime, load: Load, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return a store with an archived incident, and the change of the day before it."""
    edit = line(-3 * 60, "Audience Modified", AUDIENCE)
    load(text(edit, *run(0, 5), change(4 * DAY)))
    monkeypatch.setattr(Store, "now", lambda _: NOW)
    kept = runtime.settings.store.model_copy(update={"archive": True, "retention_days": 2})
    settings = runtime.settings.model_copy(update={"store": kept})
    assert fixed_clock.retain(runtime.store, settings, NOW).archived == 6
    return runtime.store


def _remove(store: Store, day: str) -> None:
    (part,) = [part for part in cold_tier.parts(store) if str(part.day) == day]
    (store.path.parent / "archive" / part.file).unlink()
    # The first query to meet it fails, later ones do without it.
    with contextlib.suppress(UnavailableError):
        tiers.both(store).table("select max(raw) from events")


def _lines(query: str) -> list[str]:
    return drawn_page.draw("failures", query).text.splitlines()


def test_attempts_and_changes_that_cannot_be_read(archived: Store) -> None:
    (incident,) = queries.incidents(tiers.both(archived), Filter(), NOW)
    query = f"from=2026-10-06&tz=UTC&incident={incident.incident_id}"
    whole = _lines(query)
    assert any("Audience Modified 3 hours before" in one for one in whole)
    assert not any(NOTICE in one for one in whole)
    # The change is of the day before the window.
    _remove(archived, "2026-10-05")
    without_change = _lines(query)
    assert any(NOTICE in one for one in without_change)
    missing = "Changes cannot be shown: archived events of this time cannot be read."
    assert missing in without_change
    assert NO_CHANGE not in without_change
    _remove(archived, "2026-10-06")
    without_attempts = _lines(query)
    missing = "The failed attempts cannot be shown: archived events of this time cannot be read."
    assert missing in without_attempts
    assert not any(one.startswith("Latest ") for one in without_attempts)


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("failures", "from=2026-10-06&tz=UTC"),
        ("unusual", "from=2026-10-06&tz=UTC"),
        ("digest", "week=2026-10-05&tz=UTC"),
    ],
)
def test_pages_name_missing_files(archived: Store, page: str, query: str) -> None:
    assert NOTICE not in drawn_page.draw(page, query).text
    _remove(archived, "2026-10-06")
    assert NOTICE in drawn_page.draw(page, query).text
