"""The demo's database: made from nothing, kept while fresh, made anew when stale."""

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest

from tests.trail import random_trail
from tests.trail.runtime.conftest import EVENTS, Demo
from trail.core.clock import utc_now
from trail.core.errors import UnavailableError
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.events import store_status
from trail.integrity import mirror, verification
from trail.runtime import demo_database, demo_feed, startup
from trail.storage import cursors
from trail.storage.duckdb import Store


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make demos of so many events, up to the end of today."""
    monkeypatch.setattr(demo_database, "EVENTS", 1_500)
    return 1_500


def mirror_files(path: Path, settings: Settings) -> tuple[Path, Path, Path]:
    files = mirror.files(path, settings)
    return files.key, files.mirror, files.known


def made(path: Path, *ages: dt.timedelta) -> None:
    """Make a database at *path* with one event of each age."""
    store = random_trail.store_of(
        path.parent, [random_trail.event(f"old{n}", utc_now() - age) for n, age in enumerate(ages)]
    )
    store.close()
    store.path.rename(path)


def ids(store: Store) -> list[str]:
    return store.table("select event_id from events")["event_id"].to_pylist()


def test_the_demo_ends_at_the_current_time(lived_in: Demo) -> None:
    store, made_at = lived_in.store, lived_in.at
    result = store_status.status(store)
    times = store.table("select occurred_at from events")["occurred_at"].to_pylist()
    assert max(times) <= made_at
    assert made_at - max(times) < dt.timedelta(hours=20)
    assert made_at - min(times) > dt.timedelta(days=80)
    # Cut at the current time and without those of the gap; the days after it have their own.
    assert EVENTS * 0.9 < result["events"] <= EVENTS * 1.02
    assert (result["quarantined"], result["duplicates"]) == (0, 0)


def test_the_demo_is_loaded_through_the_ordinary_loaders(lived_in: Demo) -> None:
    batches = lived_in.store.table(
        "select loader, source, error from batches order by batch_id"
    ).to_pylist()
    kinds = Counter(lived_in.store.table("select outcome from event_rows")["outcome"].to_pylist())
    assert [row["loader"] for row in batches] == ["json", "json", "json", "json", "demo"]
    assert all(row["source"] and not row["error"] for row in batches)
    assert kinds["success"] > kinds["failure"] > 0


def test_a_recent_demo_is_reused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "demo.duckdb"
    made(path, dt.timedelta(hours=19), dt.timedelta(days=50))
    store = demo_database.open_store(path, settings)
    assert sorted(ids(store)) == ["old0", "old1"]
    store.close()


def test_an_outdated_demo_is_recreated_with_all_of_its_files(
    settings: Settings, small: int, tmp_path: Path
) -> None:
    path = tmp_path / "demo.duckdb"
    made(path, dt.timedelta(hours=21))
    beside = [demo_feed.path_of(path), *mirror_files(path, settings)]
    for file in beside:
        file.write_text("of the old one")
    store = demo_database.open_store(path, settings)
    assert len(ids(store)) > small * 0.9
    assert "old0" not in ids(store)
    assert verification.verify(store, settings).ok
    assert not any(file.exists() and file.read_text() == "of the old one" for file in beside)
    store.close()


@pytest.mark.parametrize(
    ("mark", "fresh"),
    [
        ("being made", False),
        (dt.timedelta(days=2, hours=23), True),
        (dt.timedelta(days=3, hours=1), False),
        ("", False),
    ],
)
def test_a_demo_is_fresh_for_three_days_once_it_is_complete(
    store: Store, mark: str | dt.timedelta, fresh: bool
) -> None:
    now = utc_now()
    text = (now - mark).isoformat() if isinstance(mark, dt.timedelta) else mark
    store.write(lambda cursor: cursors.put(cursor, "demo", text))
    assert demo_database._is_fresh(store, now) is fresh


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
