"""Questions that run too long are stopped for who waits, and for nobody else."""

import threading

import pytest

from trail.core.errors import StoppedError, UnavailableError
from trail.storage import query_timeout
from trail.storage.duckdb import Store
from trail.storage.query_timeout import QueryScope

_ENDLESS = "select count(*) from range(10000000) a, range(10000000) b where a.range * b.range = 7"


def test_a_slow_query_is_stopped_with_a_remedy(store: Store) -> None:
    with (
        query_timeout.within(0.2),
        pytest.raises(UnavailableError, match=r"longer than 0\.2 seconds.*narrower filter"),
    ):
        store.table(_ENDLESS)


def test_the_store_runs_the_next_query_after_a_timeout(store: Store) -> None:
    with query_timeout.within(0.2):
        for _ in range(3):
            with pytest.raises(UnavailableError):
                store.table(_ENDLESS)
            assert store.table("select 1 as n")["n"].to_pylist() == [1]


def test_the_timeout_applies_to_temporary_tables(store: Store) -> None:
    with query_timeout.within(0.2), store.narrowed({"events": _ENDLESS}, {}) as engine:
        for _ in range(2):  # the second query must not read the store's own events
            with pytest.raises(UnavailableError):
                engine.table("select count(*) from events")


def test_each_query_has_its_own_timeout(store: Store) -> None:
    met: list[str] = []

    def ask(seconds: float) -> None:
        try:
            with query_timeout.within(seconds):
                store.table(_ENDLESS)
        except UnavailableError as problem:
            met.append(problem.message)

    threads = [threading.Thread(target=ask, args=(seconds,)) for seconds in (1.5, 0.2, 0.8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(met) == [
        f"This took longer than {seconds} seconds and was stopped." for seconds in (0.2, 0.8, 1.5)
    ]


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_a_fast_query_returns_its_result(store: Store, seconds: float) -> None:
    with query_timeout.within(seconds):
        assert store.table("select count(*) as n from range(3000000)")["n"].to_pylist() == [3000000]
    assert query_timeout.allowed() == 0


def test_writes_have_no_timeout(store: Store) -> None:
    with query_timeout.within(0.001):
        store.write(lambda cursor: cursor.execute("select sum(range) from range(5000000)"))


def test_all_queries_of_a_request_share_a_total(store: Store) -> None:
    scope = QueryScope(0.4, 0.6)
    with scope.entered():
        with pytest.raises(UnavailableError, match=r"longer than 0\.4 seconds"):
            store.table(_ENDLESS)
        for _ in range(2):  # the rest of the total, and nothing
            with pytest.raises(UnavailableError, match=r"longer than 0\.6 seconds"):
                store.table(_ENDLESS)


def test_a_stopped_request_interrupts_its_query_and_refuses_others(store: Store) -> None:
    scope = QueryScope(0)
    timer = threading.Timer(0.2, scope.stop)
    timer.start()
    with scope.entered():
        with pytest.raises(StoppedError):
            store.table(_ENDLESS)
        with pytest.raises(StoppedError):
            store.table("select 1")
    assert store.table("select 1 as n")["n"].to_pylist() == [1]
    timer.join()


def test_a_request_that_has_ended_by_itself_is_stopped(store: Store) -> None:
    ended = threading.Event()
    timer = threading.Timer(0.2, ended.set)
    timer.start()
    with QueryScope(0, has_ended=ended.is_set).entered(), pytest.raises(StoppedError):
        store.table(_ENDLESS)
    timer.join()


_LATE = "select a.range as n from range(10000000) a, range(10000000) b where a.range * b.range = 7"


def test_each_batch_of_a_stream_has_the_timeout(store: Store) -> None:
    with store.reading() as reading:
        batches = reading.batches("select range as n from range(100000)", {}, 20_000)
        with query_timeout.within(60):
            assert next(batches).num_rows
        batches.close()  # type: ignore[attr-defined]
        late = reading.batches(f"{_LATE} order by n", {}, 20_000)
        with (
            query_timeout.within(0.3),
            pytest.raises(UnavailableError, match=r"longer than 0\.3 seconds"),
        ):
            next(late)
