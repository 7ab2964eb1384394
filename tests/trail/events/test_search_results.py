"""Queries on materialized search results equal the same queries on the store."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import NOW, Term
from trail.events import counts, events, timeline
from trail.events.search_results import search_matches
from trail.storage.duckdb import Store
from trail.storage.filters import NO, YES, Filter

ROWS = random_trail.random_rows(11, flagged=True)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS`."""
    store = random_trail.store_of(tmp_path_factory.mktemp("trail"), [row.raw for row in ROWS])
    yield store
    store.close()


@settings(max_examples=12)
@given(drawn=random_trail.filters(), targets_alone=st.booleans())
def test_results_equal_those_of_direct_queries(
    store: Store, drawn: tuple[Filter, tuple[Term, ...]], targets_alone: bool
) -> None:
    filter_ = drawn[0]
    with search_matches(store, filter_, NOW, targets_alone=targets_alone) as (engine, rest):
        # The choice of targets is part of the search there, and targets are counted without it.
        apart = {"target"} if rest.choice("target") != filter_.choice("target") else set()
        assert counts.facets(engine, rest, NOW, leave_out=apart) == counts.facets(
            store, filter_, NOW, leave_out=apart
        )
        assert events.page(engine, rest, NOW) == events.page(store, filter_, NOW)
        inside = sum(bar.count for bar in timeline.histogram(engine, rest, NOW).bars)
        assert inside == sum(bar.count for bar in timeline.histogram(store, filter_, NOW).bars)
    assert counts.count(store, Filter(), NOW) == len(ROWS)


@pytest.mark.parametrize("chosen", [YES, NO, ""])
def test_one_target_keeps_its_dates_in_the_future(store: Store, chosen: str) -> None:
    target = store.table(
        "select target_id as id from events join targets using (target_key) where future_dated "
        "and target_id <> ''"
    )["id"][0].as_py()
    filter_ = Filter(start="30d", end="9999-12-31").put("target", target, "include")
    if chosen:
        filter_ = filter_.put("future_dated", chosen, "include")
    with search_matches(store, filter_, NOW, targets_alone=True) as (engine, rest):
        assert rest.choice("target") != filter_.choice("target")
        inside, direct = (
            counts.facets(*asked, NOW, leave_out={"target"})
            for asked in ((engine, rest), (store, filter_))
        )
    assert inside == direct
    assert inside.values["future_dated"]


def test_search_does_not_change_the_store(store: Store) -> None:
    with search_matches(store, Filter(q=("action:created",)), NOW) as (engine, rest):
        assert rest.q == ()
        assert counts.count(engine, rest, NOW) < len(ROWS)
        assert counts.count(store, Filter(), NOW) == len(ROWS)
    assert store.table("select count(*) as n from events")["n"].to_pylist() == [len(ROWS)]
