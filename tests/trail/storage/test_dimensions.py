"""The small tables: one row a name, and the cube always equal to the events."""

import pytest

from tests.conftest import Load, counted, row, rows
from tests.segment_records import api_event, forwarded, message_id, ndjson
from trail.storage import cube as cube_tables
from trail.storage import dimensions
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store


def test_each_name_gets_one_key(store: Store, load: Load) -> None:
    load(ndjson([forwarded(1), forwarded(2, "Source Deleted"), api_event(3)]))
    load(ndjson([forwarded(4), forwarded(5, "Space Created", details={"subject": "users/b"})]))
    for table, name, expected in (
        ("actions", "action_raw", ["Source Deleted", "Source Modified", "Space Created"]),
        ("actors", "actor_id", ["users/MNxxtIRCbe", "users/b"]),
        ("targets", "target_id", ["LAn9KpdvNZ"]),
    ):
        key = f"{table[:-1]}_key"
        result = store.table(f"select {key} as k, {name} as n from {table} order by n")
        assert result["n"].to_pylist() == expected
        assert sorted(result["k"].to_pylist()) == list(range(1, len(expected) + 1))


def test_a_name_seen_before_keeps_its_key(store: Store, load: Load) -> None:
    load(ndjson([forwarded(1)]))
    before = store.table("select * from actions").to_pylist()
    load(ndjson([forwarded(2), forwarded(3, "A New One")]))
    assert store.table("select * from actions order by action_key").to_pylist()[:1] == before


def test_targets_are_distinct_by_type_id_and_name(store: Store, load: Load) -> None:
    load(
        ndjson(
            [
                forwarded(1),
                forwarded(2, details={"target": "Renamed"}),
                forwarded(3, details={"resource_id": "other"}),
                forwarded(4, details={"resource_type": "space"}),
                forwarded(5),
            ]
        )
    )
    assert store.table("select * from targets").num_rows == 4
    assert row(store, message_id(2))["target_name"] == "Renamed"


def test_an_unknown_action_is_kept_and_flagged(store: Store, load: Load) -> None:
    load(ndjson([forwarded(1, "Journey Step Teleported")]))
    result = row(store, message_id(1))
    assert (result["action"], result["category"]) == ("Journey Step Teleported", "Other")
    assert store.table("select known from actions")["known"].to_pylist() == [False]


def test_former_names_resolve_to_the_same_action(store: Store, load: Load) -> None:
    load(ndjson([forwarded(1, "Integration Modified"), forwarded(2, "integrations modified")]))
    result = rows(store)
    assert [event["action_raw"] for event in result] == [
        "Integration Modified",
        "integrations modified",
    ]
    assert {event["action"] for event in result} == {"Integrations Modified"}


def test_a_changed_catalog_reclassifies_the_actions(store: Store, load: Load) -> None:
    load(ndjson([forwarded(1), forwarded(2, "Source Deleted"), forwarded(3, "Never Heard Of")]))
    before = store.table("select * from actions order by action_key").to_pylist()

    def as_an_older_catalogue_read_it(cursor: Cursor) -> None:
        cursor.execute(
            "update actions set action = 'Old', category = 'Other', kind = 'modify', "
            "outcome = 'unknown', risk = 9, known = false where action_raw <> 'Never Heard Of'"
        )

    store.write(as_an_older_catalogue_read_it)
    assert {event["action"] for event in rows(store)} == {"Old", "Never Heard Of"}
    store.write(dimensions.refresh_actions)
    assert store.table("select * from actions order by action_key").to_pylist() == before


def test_an_empty_store_can_be_reclassified(store: Store) -> None:
    store.write(dimensions.refresh_actions)
    assert store.table("select * from actions").num_rows == 0


@pytest.mark.parametrize("parts", [1, 3])
def test_the_cube_counts_by_hour_and_actor_type(store: Store, load: Load, parts: int) -> None:
    records = [
        forwarded(n, "Source Deleted" if n % 2 else "Source Created", userId="u")
        for n in range(0, 240, 7)
    ]
    for part in range(parts):
        load(ndjson(records[part::parts]))
    cube, events = counted(store)
    assert cube == events
    assert sum(entry["n"] for entry in cube) == 2 * len(records)
    assert len(cube) == 2 * 8  # two tables, four hours, two actions


def test_split_counts_are_put_together_again(store: Store, load: Load) -> None:
    for n in range(12):
        load(ndjson([forwarded(n, "Source Created", userId="u")]))
    assert store.write(cube_tables.compact) == 2 * 11
    assert store.table("select n from actor_cube")["n"].to_pylist() == [12]
    kept, events = counted(store)
    assert kept == events
    assert store.write(cube_tables.compact) == 0
