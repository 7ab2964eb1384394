"""One demo database for the tests of a session, which they only read."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from trail.core.sections import Seals
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.runtime import demo_database, demo_feed
from trail.storage.duckdb import Store

EVENTS = 4_000


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo database, and until when its events have arrived (UTC, without zone)."""

    store: Store
    settings: Settings
    at: dt.datetime


@pytest.fixture(scope="session")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Return a demo database as it is at the first start."""
    folder = tmp_path_factory.mktemp("lived-in")
    settings = Settings(
        store=StoreSettings(path=folder / "trail.duckdb", demo_path=folder / "demo.duckdb"),
        seals=Seals(),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_database, "EVENTS", EVENTS)
        store = demo_database.open_store(folder / "demo.duckdb", settings)
    until = demo_feed.watched_until(store)
    assert until
    yield Demo(store, settings, until)
    store.close()
