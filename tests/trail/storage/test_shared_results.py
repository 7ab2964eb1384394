"""Page runs share results of one version of the data, and never get one of another version."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.storage import query_timeout, shared_results
from trail.storage.connection import Cursor
from trail.storage.duckdb import HELD_S, Store
from trail.storage.query_timeout import QueryScope
from trail.storage.shared_results import Results

_COUNT = "select count(*) as n from marks"
# Differs from run to run, so that a shared result can be told from one asked again.
_UNIQUE = "select uuid()::varchar as id from marks"


def _add(cursor: Cursor) -> None:
    cursor.execute("insert into marks values (uuid()::varchar, '', now()::timestamp)")


def _size(table: pa.Table) -> int:
    return table.get_total_buffer_size()


def _value(table: pa.Table) -> object:
    return table.column(0).to_pylist()[:1]


@pytest.fixture
def marked(store: Store) -> Store:
    """Return a store with a mark and a write-ahead log."""
    store.write(_add)
    return store


def test_equal_queries_of_page_runs_share_one_result(marked: Store) -> None:
    with shared_results.within():
        first = _value(marked.table(_UNIQUE, {}))
        with ThreadPoolExecutor(1) as other:
            outside = other.submit(lambda: _value(marked.table(_UNIQUE, {}))).result()
        assert _value(marked.table(_UNIQUE, {})) == first
    assert outside != first
    assert _value(marked.table(_UNIQUE, {})) != first


def test_parameters_and_types_are_told_apart(store: Store) -> None:
    with shared_results.within():
        values = [store.table("select $a as a", {"a": a})["a"][0].as_py() for a in (1, "1", [1])]
    assert values == [1, "1", [1]]


def test_a_commit_ends_the_sharing_of_older_results(marked: Store) -> None:
    with shared_results.within():
        before = _value(marked.table(_COUNT))
        marked.write(_add)
        assert _value(marked.table(_COUNT)) == [before[0] + 1]  # type: ignore[index]


def test_a_transaction_without_changes_keeps_results(marked: Store) -> None:
    with shared_results.within():
        before, version = _value(marked.table(_UNIQUE)), marked.version
        marked.write(lambda cursor: cursor.execute("delete from marks where source = 'none'"))
        assert (_value(marked.table(_UNIQUE)), marked.version) == (before, version)


def test_a_failed_transaction_leaves_no_stale_result(marked: Store) -> None:
    def fail(cursor: Cursor) -> None:
        _add(cursor)
        raise ValueError

    with shared_results.within():
        before = _value(marked.table(_COUNT))
        with pytest.raises(ValueError):
            marked.write(fail)
        assert _value(marked.table(_COUNT)) == before


@pytest.mark.parametrize("table", shared_results.UNVERSIONED)
def test_tables_without_versions_are_read_again(marked: Store, table: str) -> None:
    asked = f"select uuid()::varchar as id, (select count(*) from {table}) as n"
    with shared_results.within():
        assert _value(marked.table(asked)) != _value(marked.table(asked))


def test_stores_do_not_share(marked: Store, settings: Settings) -> None:
    path = settings.store.path.with_name("other.duckdb")
    with contextlib.closing(Store.open(path, settings)) as other, shared_results.within():
        other.write(_add)
        assert _value(other.table(_UNIQUE)) != _value(marked.table(_UNIQUE))


def test_searches_of_an_older_version_are_not_shared(marked: Store) -> None:
    tables = {"found": "select * from marks"}
    counted = "select count(*) as n from found"
    with shared_results.within():
        with marked.narrowed(tables, {}) as engine:
            before = _value(engine.table(counted))
            marked.write(_add)
            assert _value(engine.table(f"{counted} where true")) == before
        with marked.narrowed(tables, {}) as engine:
            assert _value(engine.table(f"{counted} where true")) != before
            shared = _value(engine.table(f"{_UNIQUE} where exists (from found)"))
        with marked.narrowed(tables, {}) as engine:
            assert _value(engine.table(f"{_UNIQUE} where exists (from found)")) == shared


def test_a_request_that_ends_waits_for_nobody() -> None:
    results, asked, go = Results(), threading.Event(), threading.Event()

    def ask() -> pa.Table:
        asked.set()
        go.wait(30)
        return pa.table({"n": [7]})

    def run() -> pa.Table | None:
        return results.result((1, 1), ("sql",), ask, _size)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(run)
        assert asked.wait(10)
        scope = QueryScope(0)
        timer = threading.Timer(0.2, scope.stop)
        timer.start()
        with scope.entered():
            assert run() is None
        assert not first.done()
        go.set()
        assert first.result() is not None
        timer.join()


def test_simultaneous_queries_run_once_and_a_failure_is_not_shared() -> None:
    results, asked, go = Results(), list[int](), threading.Event()

    def ask() -> pa.Table:
        asked.append(1)
        go.wait(10)
        if len(asked) == 1:
            raise UnavailableError("stopped", "")
        return pa.table({"n": [7]})

    def run() -> object:
        try:
            table = results.result((1, 1), ("sql",), ask, _size)
        except UnavailableError:
            return "stopped"
        assert table
        return table["n"].to_pylist()

    with ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(run) for _ in range(8)]
        while not asked:
            time.sleep(0.001)
        go.set()
        ended = [run.result(10) for run in runs]
    assert sorted(map(str, ended)) == ["[7]"] * 7 + ["stopped"]
    assert len(asked) == 2


def test_who_waits_for_another_query_waits_no_longer_than_allowed(marked: Store) -> None:
    began, go = threading.Event(), threading.Event()

    def slow() -> pa.Table:
        began.set()
        go.wait(10)
        return pa.table({"n": [1]})

    asked = ("select 1", None)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(
            shared_results.RESULTS.result, (marked.number, marked.version), asked, slow, _size
        )
        began.wait(10)
        try:
            with (
                shared_results.within(),
                query_timeout.within(0.05),
                pytest.raises(UnavailableError, match=r"longer than 0\.05 seconds"),
            ):
                marked.table(*asked)
        finally:
            go.set()


def test_results_are_bounded_in_bytes_and_number() -> None:
    table = pa.table({"n": list(range(1000))})
    results = Results(max_bytes=40_000, max_entries=3)
    for number in range(9):
        results.result((1, 1), (number,), lambda: table, _size)
    assert len(results) == 3
    asked_again = []
    for number in (6, 7, 8):
        results.result((1, 1), (number,), lambda: asked_again.append(1) or table, _size)
    assert not asked_again
    results.result((1, 1), ("large",), lambda: pa.table({"n": list(range(100_000))}), _size)
    assert results.bytes <= 40_000
    results.forget(1)
    assert (len(results), results.bytes) == (0, 0)


def test_the_moment_of_pages_is_held_while_the_data_is_the_same(
    marked: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = marked.now()
    assert marked.now() == first
    marked.write(_add)
    second = marked.now()
    assert second > first
    monkeypatch.setattr("trail.storage.duckdb.HELD_S", 0.0)
    assert HELD_S > 0
    assert marked.now() > second


def test_cleared_results_are_asked_again(marked: Store) -> None:
    with shared_results.within():
        before = _value(marked.table(_UNIQUE))
        assert _value(marked.table(_UNIQUE)) == before
        shared_results.RESULTS.clear()
        assert (len(shared_results.RESULTS), shared_results.RESULTS.bytes) == (0, 0)
        assert _value(marked.table(_UNIQUE)) != before
