"""Queries on materialized search results equal the same queries on the store."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from tests.trail import random_trail
from tests.trail.random_trail import NOW, Term
from trail.events import counts, events, timeline
from trail.events.search_results import search_matches
from trail.storage.database import Store
from trail.storage.filters import Filter

ROWS = random_trail.random_rows(11)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS`."""
    store = random_trail.store_of(tmp_path_factory.mktemp("trail"), [row.raw for row in ROWS])
    yield store
    store.close()


@settings(max_examples=12)
@given(drawn=random_trail.filters())
def test_results_equal_those_of_direct_queries(
    store: Store, drawn: tuple[Filter, tuple[Term, ...]]
) -> None:
    filter_ = drawn[0]
    with search_matches(store, filter_, NOW) as (engine, rest):
        # The choice of targets is part of the search there, and targets are counted without it.
        apart = {"target"} if rest.choice("target") != filter_.choice("target") else set()
        assert counts.facets(engine, rest, NOW, leave_out=apart) == counts.facets(
            store, filter_, NOW, leave_out=apart
        )
        assert events.page(engine, rest, NOW) == events.page(store, filter_, NOW)
        inside = sum(bar.count for bar in timeline.histogram(engine, rest, NOW).bars)
        assert inside == sum(bar.count for bar in timeline.histogram(store, filter_, NOW).bars)
    assert counts.count(store, Filter(), NOW) == len(ROWS)


def test_search_does_not_change_the_store(store: Store) -> None:
    with search_matches(store, Filter(q=("action:created",)), NOW) as (engine, rest):
        assert rest.q == ()
        assert counts.count(engine, rest, NOW) < len(ROWS)
        assert counts.count(store, Filter(), NOW) == len(ROWS)
    assert store.table("select count(*) as n from events")["n"].to_pylist() == [len(ROWS)]
