"""Rows of a page get the same names by small queries as by joins in the database."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from tests.trail import random_trail
from trail.events.names import FLAGS, STAR, join_names, name_rows
from trail.storage.duckdb import Store

ROWS = random_trail.random_rows(5, 200)
SQL = f"select {STAR} from events e order by occurred_at, event_id"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS`."""
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), [row.raw for row in ROWS])
    yield opened
    opened.close()


def replaced(star: pa.Table, column: str, key: int | None) -> pa.Table:
    """Return *star* with *key* in *column* of the first row."""
    keys = pa.array([key, *star[column].to_pylist()[1:]], star[column].type)
    return star.set_column(star.column_names.index(column), column, keys)


def test_names_are_those_of_joins(store: Store) -> None:
    joined = f"{join_names(SQL, f', {FLAGS[0]}, {FLAGS[1]}')} order by occurred_at, event_id"
    assert name_rows(store, store.table(SQL)) == store.table(joined).to_pylist()
    assert name_rows(store, store.table(f"{SQL} limit 0")) == []


@pytest.mark.parametrize("column", ["action_key", "actor_key", "identity_key", "target_key"])
def test_rows_whose_names_are_gone_are_not_named(store: Store, column: str) -> None:
    star = store.table(SQL)
    assert name_rows(store, replaced(star, column, 999_999)) is None
    assert name_rows(store, replaced(star, column, None)) is None


def test_rows_whose_actor_became_another_are_not_named(store: Store) -> None:
    star = store.table(SQL)
    own, *others = dict.fromkeys(star["actor_key"].to_pylist())
    assert name_rows(store, replaced(star, "actor_key", own)) is not None
    assert name_rows(store, replaced(star, "actor_key", others[0])) is None
