"""Both tiers answer as one database does, however the events are spread over them."""

import contextlib
import datetime as dt
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as profile

from tests import fixed_clock
from tests.trail import random_trail
from tests.trail.random_trail import NOW, Term
from trail.core.errors import StoppedError, UnavailableError
from trail.core.model import EVENT_COLUMNS
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.events import counts, events, timeline
from trail.events.export import Export, stream
from trail.events.search_results import search_matches
from trail.retention import adoption, expiry
from trail.storage import cold_files, cold_tier, cold_views, tiers
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Filter
from trail.storage.query_timeout import QueryScope

ROWS = random_trail.random_rows(11, flagged=True)
# How the archived half is stored: with keys, or as an earlier release wrote it.
LAYOUTS = ("keyed", "texts only")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database file with all events, to be copied."""
    folder = tmp_path_factory.mktemp("loaded")
    random_trail.store_of_rows(folder, ROWS, 80).close()
    return random_trail.settings(folder).store.path


@pytest.fixture(scope="module")
def whole(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a database that has all events itself."""
    settings = random_trail.settings(tmp_path_factory.mktemp("whole"))
    shutil.copy(loaded, settings.store.path)
    store = Store.open(settings.store.path, settings)
    yield store
    store.close()


@pytest.fixture(scope="module", params=LAYOUTS)
def spread(
    request: pytest.FixtureRequest, loaded: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Store, str]]:
    """Return a database of which about half of the events are archived, and the layout of these."""
    folder = tmp_path_factory.mktemp("spread")
    middle = sorted(row.occurred_at for row in ROWS)[len(ROWS) // 2]
    settings = Settings(
        store=StoreSettings(
            path=random_trail.settings(folder).store.path,
            retention_days=(NOW.date() - middle.date()).days,
            archive=True,
            archive_path=folder / "archive",
        )
    )
    shutil.copy(loaded, settings.store.path)
    store = Store.open(settings.store.path, settings)
    done = fixed_clock.retain(store, settings, NOW)
    assert len(ROWS) / 4 < done.archived < len(ROWS)
    if request.param == "texts only":
        folder = settings.store.archive_path
        files = [folder / part.file for part in cold_tier.parts(store)]
        days = [day for day, *_ in cold_tier.archived_days(store)]
        store.write(lambda cursor: cold_tier.remove(cursor, days))
        for file in files:
            table = pq.read_table(file, columns=cold_files.SCHEMA.names).cast(cold_files.SCHEMA)
            pq.write_table(table, file)
        assert adoption.adopt(store, settings) == done.archived
    yield store, request.param
    store.close()


def answers(store: Store, filter_: Filter, leave_out: set[str]) -> list[Any]:
    facets = counts.facets(store, filter_, NOW, leave_out=leave_out)
    return [
        counts.count(store, filter_, NOW),
        {
            name: sorted((v.value, v.count) for v in values)
            for name, values in facets.values.items()
        },
        timeline.histogram(store, filter_, NOW),
        events.page(store, filter_, NOW, rows=40),
        b"".join(stream(store, Export(filter_, "ndjson", EVENT_COLUMNS), NOW)),
    ]


@profile(max_examples=12, deadline=None)
@given(drawn=random_trail.filters())
def test_any_filter_gives_the_same_answers(
    whole: Store, spread: tuple[Store, str], drawn: tuple[Filter, tuple[Term, ...]]
) -> None:
    (store, layout), (filter_, _) = spread, drawn
    leave_out: set[str] = set()
    if layout == "texts only":  # which do not say how events were collected
        leave_out = {"source"}
        filter_ = filter_.without("source")
    assert answers(tiers.both(store), filter_, leave_out) == answers(whole, filter_, leave_out)


def test_the_columns_are_those_of_events(whole: Store) -> None:
    names = whole.table("select column_name as name from (describe trail.events)")["name"]
    assert names.to_pylist() == list(cold_views.COLUMNS)


def test_a_query_of_one_tier_does_not_look_at_the_other(spread: tuple[Store, str]) -> None:
    store, _ = spread
    both = tiers.both(store)
    plan = both.table(
        "explain select count(*) from events where occurred_at >= timestamp '2099-01-01'"
    ).to_pylist()
    assert "READ_PARQUET" not in str(plan)
    first = cold_tier.parts(store)[0].day
    plan = both.table(
        f"explain select count(*) from events where occurred_at < timestamp '{first} 23:59'"
    ).to_pylist()
    assert "READ_PARQUET" in str(plan)


def test_how_far_a_query_is_can_be_asked_meanwhile(spread: tuple[Store, str]) -> None:
    scope = QueryScope(60)

    def ask() -> None:
        with scope.entered(), contextlib.suppress(StoppedError):
            tiers.both(spread[0]).table("select sum(hash(range)) from range(2000000000)")

    asking = threading.Thread(target=ask)
    asking.start()
    while not (done := scope.progress()):
        assert asking.is_alive()
        time.sleep(0.01)
    scope.stop()
    asking.join()
    assert 0 < done <= 100
    assert scope.progress() is None


@pytest.fixture
def purging(loaded: Path, tmp_path: Path) -> Iterator[tuple[Store, Callable[[int], None]]]:
    """Return a database with an archived half, and how to archive all but the last days of it."""
    settings = Settings(
        store=StoreSettings(
            path=tmp_path / "trail.duckdb", archive=True, archive_path=tmp_path / "archive"
        )
    )
    shutil.copy(loaded, settings.store.path)
    store = Store.open(settings.store.path, settings)

    def purge(days: int) -> None:
        retained = settings.store.model_copy(update={"retention_days": days})
        fixed_clock.retain(store, settings.model_copy(update={"store": retained}), NOW)

    middle = sorted(row.occurred_at for row in ROWS)[len(ROWS) // 2]
    purge((NOW.date() - middle.date()).days)
    yield store, purge
    store.close()


@pytest.mark.parametrize("query", ["q=source", "q=raw:source", "q=-nothing&actor_type=user"])
def test_a_purge_between_the_queries_of_a_page_hides_nothing(
    purging: tuple[Store, Callable[[int], None]], query: str
) -> None:
    store, purge = purging
    both, filter_ = tiers.both(store), Filter.parse(query)

    def asked(engine: Engine, rest: Filter) -> list[Any]:
        page = events.page(engine, rest, NOW, rows=600)
        ids = [row["event_id"] for row in page.rows]
        return [counts.count(engine, rest, NOW), ids, timeline.histogram(engine, rest, NOW)]

    with search_matches(both, filter_, NOW) as (engine, rest):
        before = asked(engine, rest)
        purge(3)
        assert asked(engine, rest) == before
    assert before[0] == len(before[1]) > 0


def test_a_stream_delays_the_deletion_of_the_files_it_reads(
    purging: tuple[Store, Callable[[int], None]],
) -> None:
    store, purge = purging
    both = tiers.both(store)
    sql = "select event_id from events order by occurred_at, event_id"
    before = both.table(sql)
    folder = Path(store.archive.key)
    with both.reading() as reading:
        batches = reading.batches(sql, {}, 50)
        first = next(batches)
        purge(3)
        days = [day for day, *_ in cold_tier.archived_days(store)]
        expired = days[len(days) // 2 :]
        store.write(lambda cursor: cold_tier.expire_files(cursor, expired))
        store.write(lambda cursor: cold_tier.remove(cursor, expired))
        expiry.delete_files(store)
        files = cold_tier.expired_files(store)
        assert files
        assert all((folder / file).exists() for file in files)
        streamed = pa.Table.from_batches([first, *batches])
    assert streamed["event_id"].to_pylist() == before["event_id"].to_pylist()
    expiry.delete_files(store)
    assert not any((folder / file).exists() for file in files)
    assert cold_tier.expired_files(store) == []


def test_an_export_without_a_file_of_its_window_is_refused(
    purging: tuple[Store, Callable[[int], None]],
) -> None:
    store, _ = purging
    part = cold_tier.parts(store)[0]
    Path(store.archive.key, part.file).unlink()
    with pytest.raises(UnavailableError, match=f"Archive file {part.file} is missing"):
        stream(tiers.both(store), Export(Filter.parse("")), NOW)
    after = Filter(start=f"{part.day + dt.timedelta(days=1)}T00:00Z")
    assert b"".join(stream(tiers.both(store), Export(after), NOW))
