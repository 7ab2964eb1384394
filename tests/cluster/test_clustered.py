"""A cluster gives the answers that one database gives, and what it cannot do DuckDB does."""

import datetime as dt
import string
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile

from tests.cluster.conftest import Cluster
from tests.cluster.statements import Statement, recorded
from tests.trail import random_trail
from tests.trail.random_trail import NOW, Term
from tests.trail.storage.test_tiers import answers
from trail.core.errors import UnavailableError
from trail.core.sections import Cluster as ClusterSettings
from trail.events import events
from trail.integrity import row_digest
from trail.storage import cluster_plan, query_timeout, spark
from trail.storage.cluster_plan import DAYS
from trail.storage.clustered import ClusteredStore
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.storage.spark import SparkCluster
from trail.storage.spark_sql import literal

# Spark plans one query while it runs another.
_AT_ONCE = 4


@profile(max_examples=10, deadline=None)
@given(drawn=random_trail.filters())
def test_any_filter_gives_the_same_answers(
    stores: tuple[ClusteredStore, Store], drawn: tuple[Filter, tuple[Term, ...]]
) -> None:
    both, whole = stores
    filter_, _ = drawn
    assert answers(both, filter_, set()) == answers(whole, filter_, set())
    assert both.problem() is None


def test_the_cluster_is_asked(stores: tuple[ClusteredStore, Store]) -> None:
    both, whole = stores
    before = both.cluster_queries
    for rows in (7, 200):
        page = events.page(both, Filter(), NOW, rows=rows)
        assert page == events.page(whole, Filter(), NOW, rows=rows)
    assert both.cluster_queries > before


def test_the_cores_of_the_workers_are_known(cluster: Cluster, tmp_path: Path) -> None:
    asked = SparkCluster(ClusterSettings(url=cluster.url), str(tmp_path))
    asked.open()
    assert asked.cores == 2  # a worker has one
    asked.close()


def test_ascii_is_found_in_the_same_lowered_texts(
    stores: tuple[ClusteredStore, Store],
) -> None:
    """Of all letters that change when they are lowered, here or in Java."""
    both, whole = stores
    every = [chr(code) for code in range(128, sys.maxunicode) if not 0xD800 <= code < 0xE000]
    cased = [one for one in every if one.lower() != one or one.upper() != one]
    for sought in string.ascii_lowercase:
        condition = f"contains(lower(raw), '{sought}')"
        sql = f"select count(*) as n from events where {condition}"
        (asked,) = cluster_plan.plan(sql, {}, whole.table).questions
        spoken = asked.sql.partition(DAYS)[2].removeprefix(" and ").replace("archived.raw", "raw")
        values = ", ".join(f"({literal(one)})" for one in cased)
        found = both._spark.table(f"select raw from values {values} as t(raw) where {spoken}")
        expected = whole.table(
            f"select raw from (select unnest($cased) as raw) where {condition}", {"cased": cased}
        )
        assert sorted(found["raw"].to_pylist()) == sorted(expected["raw"].to_pylist())


def test_the_digests_of_days_are_those_of_the_database(
    stores: tuple[ClusteredStore, Store],
) -> None:
    """Over rows that the cluster sends; `verify --cold` computes them over the files."""
    both, whole = stores

    def digests(store: Store) -> dict[dt.date, tuple[int, str]]:
        def ask(sql: str) -> list[dict[str, Any]]:
            return store.table(sql).to_pylist()

        edges = [row_digest.Edge(day, 10**6, dt.datetime.max) for day in row_digest.per_day(ask)]
        days = row_digest.scan(ask, edges).items()
        return {day: (rows.event.count, rows.event.digest) for day, rows in days}

    expected, before = digests(whole), both.cluster_queries
    assert len(expected) > 20
    assert digests(both) == expected
    assert both.cluster_queries > before + 1, "for the days, and for their rows"


def test_a_query_ends_with_its_time(stores: tuple[ClusteredStore, Store]) -> None:
    both, _ = stores
    started = time.monotonic()
    with query_timeout.within(0.5), pytest.raises(UnavailableError, match=r"longer than 0\.5"):
        both._spark.table("select count(*) from range(1000000000000)")
    assert time.monotonic() - started < 3
    assert both.problem() is None
    assert both._spark.table("select 1 as n").to_pylist() == [{"n": 1}]


def test_a_killed_worker_costs_no_answer(
    cluster: Cluster, stores: tuple[ClusteredStore, Store]
) -> None:
    both, whole = stores
    expected = answers(whole, Filter(), set())
    found: list[object] = []

    def ask() -> None:
        found.append(answers(both, Filter(), set()))

    both.version += 1  # so that no result is shared
    asking = threading.Thread(target=ask)
    asking.start()
    cluster.kill("worker-0")
    asking.join(120)
    assert found == [expected]
    asked = both.cluster_queries
    both.version += 1
    assert answers(both, Filter(), set()) == expected
    assert both.cluster_queries > asked, "the other worker answers"
    assert both.problem() is None
    cluster.start("worker-0")


def test_a_query_that_takes_all_workers_is_not_taken_for_a_cluster_without(
    stores: tuple[ClusteredStore, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small query beside it would have to wait; Spark reports that tasks run."""
    monkeypatch.setattr(spark, "_PATIENCE_S", 3.0)
    monkeypatch.setattr(spark, "_SMALL_S", 0.1)
    both, _ = stores
    with query_timeout.within(9), pytest.raises(UnavailableError, match="longer than 9"):
        both._spark.table("select sum(id % 7) from range(0, 10000000000000, 1, 4)")
    assert both.problem() is None


def test_without_workers_the_database_answers_until_there_are_some(
    cluster: Cluster, stores: tuple[ClusteredStore, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spark itself would wait for workers; one query waits until that is noticed, others do not."""
    monkeypatch.setattr(spark, "_PATIENCE_S", 1.0)
    monkeypatch.setattr(spark, "_PAUSE_S", 1.0)
    both, whole = stores
    expected = answers(whole, Filter(), set())
    for name in ("worker-0", "worker-1"):
        cluster.kill(name)
    both.version += 1  # so that no result is shared
    started = time.monotonic()
    with query_timeout.within(30):
        assert answers(both, Filter(), set()) == expected
    assert time.monotonic() - started < 20
    assert "did not answer" in str(both.problem())
    asked = both.cluster_queries
    for name in ("worker-0", "worker-1"):
        cluster.start(name)
    until = time.monotonic() + 60
    while both.problem() and time.monotonic() < until:
        time.sleep(0.2)
    both.version += 1
    assert answers(both, Filter(), set()) == expected
    assert both.cluster_queries > asked
    assert both.problem() is None


def _answer(store: Store, statement: Statement) -> tuple[object, ...]:
    views = statement.views_for(store)
    with store.narrowed(statement.tables, views) as engine:
        table = engine.table(statement.sql, statement.params)
    rows = table.to_pylist()
    for row in rows:
        # In the order in which they were read.
        row.update({name: sorted(v) for name, v in row.items() if isinstance(v, list)})
    return str(table.schema), sorted(map(repr, rows))


def test_each_statement_has_the_answer_of_one_database(
    stores: tuple[ClusteredStore, Store],
) -> None:
    both, _ = stores
    statements, before = recorded(), both.cluster_queries
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = [list(pool.map(lambda one, s=s: _answer(s, one), statements)) for s in stores]
    for statement, answer, expected in zip(statements, *answers, strict=True):
        assert answer == expected, statement
    assert both.problem() is None
    assert both.cluster_queries - before > len(statements) / 2
