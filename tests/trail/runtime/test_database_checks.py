"""The checks of the database, as `doctor` and `status --json` report them."""

import datetime as dt

from tests import fixed_clock
from tests.conftest import Load
from tests.trail.incidents.failures import at, change, text
from trail.core.settings import Settings
from trail.runtime import database_checks
from trail.storage.duckdb import Store

DAY = 24 * 60


def test_archived_events_count(store: Store, settings: Settings, load: Load) -> None:
    def events() -> str:
        checks = database_checks.checks(store, settings, dt.datetime.now(dt.UTC))
        return next(check.text for check in checks if check.name == "Events")

    assert events() == "0 events."
    load(text(change(0), change(1), change(4 * DAY)))
    assert events() == "3 events, the newest of 2026-10-10T02:00:00Z."
    kept = settings.store.model_copy(update={"archive": True, "retention_days": 2})
    archiving = settings.model_copy(update={"store": kept})
    fixed_clock.retain(store, archiving, at(5 * DAY))
    assert events() == "3 events, 2 of them archived, the newest of 2026-10-10T02:00:00Z."
    fixed_clock.retain(store, archiving, at(9 * DAY))
    assert events() == "3 events, 3 of them archived."
