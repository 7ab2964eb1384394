"""The demo's database: made from nothing, kept while fresh, made anew when stale."""

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest

from tests.trail import random_trail
from trail.core.clock import utc_now
from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.core.settings import Store as StoreSettings
from trail.events import store_status
from trail.runtime import demo_database, startup
from trail.storage.database import Store


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make demos of so many events, up to the end of today."""
    monkeypatch.setattr(demo_database, "EVENTS", 1_500)
    return 1_500


def made(path: Path, *ages: dt.timedelta) -> None:
    """Make a database at *path* with one event of each age."""
    store = random_trail.store_of(
        path.parent, [random_trail.event(f"old{n}", utc_now() - age) for n, age in enumerate(ages)]
    )
    store.close()
    store.path.rename(path)


def ids(store: Store) -> list[str]:
    return store.table("select event_id from events")["event_id"].to_pylist()


def test_the_demo_ends_at_the_current_time(settings: Settings, small: int, tmp_path: Path) -> None:
    store = demo_database.open_store(tmp_path / "demo.duckdb", settings)
    result = store_status.status(store)
    times = store.table("select occurred_at from events")["occurred_at"].to_pylist()
    store.close()
    assert max(times) <= utc_now()
    assert utc_now() - max(times) < dt.timedelta(hours=20)
    assert utc_now() - min(times) > dt.timedelta(days=80)
    # Cut at the current time, so that at most the share of one day is missing.
    assert small * 0.9 < result["events"] <= small
    assert (result["quarantined"], result["duplicates"], result["batches"]) == (0, 0, 1)


def test_the_demo_is_loaded_through_the_ordinary_loaders(
    settings: Settings, small: int, tmp_path: Path
) -> None:
    store = demo_database.open_store(tmp_path / "demo.duckdb", settings)
    batches = store.table("select loader, source, error from batches").to_pylist()
    kinds = Counter(store.table("select outcome from event_rows")["outcome"].to_pylist())
    store.close()
    assert [(row["source"], row["error"]) for row in batches] == [("demo-workspace.ndjson", "")]
    assert batches[0]["loader"]
    assert kinds["success"] > kinds["failure"] > 0


def test_a_recent_demo_is_reused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "demo.duckdb"
    made(path, dt.timedelta(hours=19), dt.timedelta(days=50))
    store = demo_database.open_store(path, settings)
    assert sorted(ids(store)) == ["old0", "old1"]
    store.close()


@pytest.mark.parametrize("ages", [(), (dt.timedelta(hours=21),)])
def test_an_outdated_or_incomplete_demo_is_recreated(
    settings: Settings, small: int, tmp_path: Path, ages: tuple[dt.timedelta, ...]
) -> None:
    path = tmp_path / "demo.duckdb"
    made(path, *ages)
    store = demo_database.open_store(path, settings)
    assert len(ids(store)) > small * 0.9
    assert "old0" not in ids(store)
    store.close()


def test_a_file_that_is_not_a_database_is_not_deleted(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "demo.duckdb"
    path.write_bytes(b"somebody's notes" * 1000)
    with pytest.raises(UnavailableError, match=r"demo\.duckdb"):
        demo_database.open_store(path, settings)
    assert path.read_bytes() == b"somebody's notes" * 1000


def test_the_demo_is_opened_only_without_a_configured_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.chdir(tmp_path)
    real, demo = Path("data/trail.duckdb"), tmp_path / "demo.duckdb"

    def chosen(**given: object) -> tuple[Path, bool]:
        return startup.database(Settings(store=StoreSettings(demo_path=demo, **given)))  # type: ignore[arg-type]

    assert chosen() == (demo, True)
    assert chosen(demo="never") == (real, False)
    assert chosen(path=real) == (real, False)
    assert startup.database(settings) == (settings.store.path, False)
    real.parent.mkdir()
    real.touch()
    assert chosen() == (real, False)
