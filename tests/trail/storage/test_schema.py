"""Versions of the tables."""

import pytest

from tests.conftest import Load, rows
from tests.segment_records import forwarded, ndjson
from trail.core.errors import InputError
from trail.core.model import EVENT_COLUMNS
from trail.core.settings import Settings
from trail.storage import schema
from trail.storage.duckdb import Store


def test_a_new_database_runs_every_migration() -> None:
    assert [number for number, _ in schema.pending(0)] == list(range(1, schema.NEWEST + 1))


def test_a_current_database_needs_no_migration() -> None:
    assert schema.pending(schema.NEWEST) == ()


def test_a_database_with_a_newer_schema_is_refused() -> None:
    with pytest.raises(InputError, match="this release supports versions up to") as refused:
        schema.pending(schema.NEWEST + 1)
    assert str(schema.NEWEST + 1) in refused.value.message
    assert refused.value.hint


def test_a_store_contains_its_schema_version(store: Store, settings: Settings) -> None:
    versions = "select version from schema_version order by version"
    expected = list(range(1, schema.NEWEST + 1))
    assert store.table(versions)["version"].to_pylist() == expected
    store.close()
    again = Store.open(store.path, settings)
    assert again.table(versions)["version"].to_pylist() == expected
    again.close()


def test_event_rows_has_every_column_of_an_event(store: Store, load: Load) -> None:
    load(ndjson([forwarded(1)]))
    assert set(EVENT_COLUMNS) <= set(rows(store)[0])


def test_no_table_has_a_key_an_index_or_an_enum(store: Store) -> None:
    assert store.table("select * from duckdb_indexes()").num_rows == 0
    constraints = store.table(
        "select constraint_type from duckdb_constraints() where database_name = 'trail'"
    )
    assert set(constraints["constraint_type"].to_pylist()) <= {"NOT NULL"}
    types = store.table("select data_type from duckdb_columns() where database_name = 'trail'")[
        "data_type"
    ].to_pylist()
    assert types
    assert not any(name.startswith("ENUM") for name in types)
