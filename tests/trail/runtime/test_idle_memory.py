"""Memory that is not in use is given back, and queries that run meanwhile do not notice."""

import threading

import pytest

from trail.runtime import idle_memory
from trail.storage.duckdb import Store

_ROWS, _KEPT_BYTES = 600_000, 4 << 20
# The blocks alone: what else DuckDB uses at this moment, such as for this query, is not kept.
_BLOCKS = (
    "select coalesce(sum(memory_usage_bytes) filter (tag = 'BASE_TABLE'), 0)::bigint as n "
    "from duckdb_memory()"
)


def test_cached_blocks_are_given_back_and_the_limit_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trail.storage.duckdb._KEPT_BYTES", _KEPT_BYTES)
    limit = "select current_setting('memory_limit') as n"
    store.write(
        lambda cursor: cursor.execute(
            f"create table filler as select hash(range) as a, uuid() as b from range({_ROWS})"
        )
    )
    store.checkpoint()
    store.table("select max(b) as n from filler")
    used, before = store.table(_BLOCKS)["n"][0].as_py(), store.table(limit)["n"][0].as_py()
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(3):
                table = store.table("select count(distinct b) as n from filler")
                assert table["n"].to_pylist() == [_ROWS]
        except BaseException as error:
            failed.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while asking.is_alive():
        store.release_blocks()
    assert not failed
    idle_memory.release(store)
    assert store.table(_BLOCKS)["n"][0].as_py() <= _KEPT_BYTES < used
    assert store.table(limit)["n"][0].as_py() == before
