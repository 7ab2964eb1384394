"""Parquet files through the whole load: flat and nested, every type as text, damage told."""

import datetime as dt
import decimal
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loaders import parquet_table
from tests.conftest import Load, row, rows
from trail.core.errors import InputError
from trail.core.model import Source
from trail.core.settings import Settings
from trail.storage.duckdb import Store

MOMENT = dt.datetime(2026, 1, 5, 10, 0, 0, 250_000)


def packed(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def flat(**more: Any) -> pa.Table:
    columns = {"id": ["e1"], "timestamp": [MOMENT], "type": ["Source Created"]}
    return pa.table(columns | {name: [value] for name, value in more.items()})


def test_a_flat_table_is_read(load: Load, store: Store) -> None:
    batch = load(packed(flat(actor="users/u1", actorEmail="m@example.com", count=3)), "a.parquet")
    assert (batch.loader, batch.read, batch.kept) == ("parquet", 1, 1)
    event = row(store, "e1")
    assert event["occurred_at"] == MOMENT
    assert (event["actor_id"], event["actor_email"]) == ("users/u1", "m@example.com")
    assert json.loads(event["raw"])["columns"] == {"count": "3"}


def test_a_nested_table_of_forwarded_events_is_read(load: Load, store: Store) -> None:
    call = {
        "messageId": "api-1",
        "type": "track",
        "event": "Audit",
        "userId": "u1",
        "timestamp": "2026-01-05T10:00:00.000Z",
        "context": {"library": {"name": "unknown"}},
        "properties": {
            "type": "Space Modified",
            "workspace_id": "w1",
            "details": {
                "resource_id": "spa_1",
                "resource_type": "space",
                "subject": "users/u2",
                "target": "Main ",
            },
        },
    }
    bare = {
        "messageId": "api-2",
        "timestamp": call["timestamp"],
        "properties": {"type": "X", "workspace_id": "w1"},
    }
    batch = load(packed(pa.Table.from_pylist([call, bare])), "a.parquet")
    assert (batch.kept, batch.error) == (2, "")
    event = row(store, "api-1")
    assert (event["action"], event["actor_id"], event["workspace_id"]) == (
        "Space Modified",
        "users/u2",
        "w1",
    )
    assert (event["target_type"], event["target_id"], event["target_name"]) == (
        "space",
        "spa_1",
        "Main ",
    )
    assert json.loads(event["raw"])["columns"] == {"context.library.name": "unknown"}


def test_a_warehouse_table_is_read(load: Load, store: Store) -> None:
    table = pa.table(
        {
            "id": ["api-1"],
            "event": ["audit"],
            "event_text": ["Audit"],
            "received_at": pa.array([MOMENT], pa.timestamp("us", "UTC")),
            "timestamp": pa.array([MOMENT], pa.timestamp("us", "UTC")),
            "user_id": ["__system__"],
            "type": ["Space Modified"],
            "workspace_id": ["w1"],
            "details_subject": ["users/u2"],
            "details_resource_id": ["spa_1"],
            "details_target": ["Main"],
        }
    )
    load(packed(table), "a.parquet")
    event = row(store, "api-1")
    assert event["occurred_at"] == MOMENT
    assert (event["action_raw"], event["actor_id"], event["target_name"]) == (
        "Space Modified",
        "users/u2",
        "Main",
    )


@pytest.mark.parametrize(
    "kind",
    [
        pa.timestamp(unit, zone)
        for unit in ("ms", "us", "ns")
        for zone in (None, "UTC", "Asia/Tokyo")
    ],
    ids=str,
)
def test_times_of_each_type_are_read_as_utc(load: Load, store: Store, kind: pa.DataType) -> None:
    aware = MOMENT.replace(tzinfo=dt.UTC) if kind.tz else MOMENT
    aware = aware.astimezone(ZoneInfo(kind.tz)) if kind.tz else aware
    load(packed(flat().set_column(1, "timestamp", pa.array([aware], kind))), "a.parquet")
    assert row(store, "e1")["occurred_at"] == MOMENT


def test_values_of_each_type_become_text(settings: Settings, tmp_path: Path) -> None:
    table = flat(
        whole=7,
        share=0.5,
        yes=True,
        money=decimal.Decimal("1.50"),
        day=dt.date(2026, 1, 5),
        octets=b"abc",
        loose=b"\xff\x00",
        nothing=None,
        many=["a", "b"],
        inside={"deep": {"er": "x"}, "n": None},
    ).append_column("word", pa.array(["w"]).dictionary_encode())
    path = tmp_path / "a.parquet"
    path.write_bytes(packed(table))
    raw = next(iter(parquet_table.read(Source(path), settings))).records["raw"][0].as_py()
    assert json.loads(raw) == {
        "id": "e1",
        "timestamp": "2026-01-05T10:00:00.250000Z",
        "type": "Source Created",
        "columns": {
            "whole": "7",
            "share": "0.5",
            "yes": "true",
            "money": "1.50",
            "day": "2026-01-05",
            "octets": "abc",
            "loose": "ff00",
            "many": '["a","b"]',
            "inside.deep.er": "x",
            "word": "w",
        },
    }


def test_rows_are_read_in_chunks_and_numbered_from_one(load: Load, store: Store) -> None:
    count = 120_000
    table = pa.table(
        {
            "id": [f"e{number}" for number in range(count)],
            "timestamp": pa.array([MOMENT] * count, pa.timestamp("us")),
            "type": ["", *["Source Created"] * (count - 1)],
        }
    )
    batch = load(packed(table, row_group_size=30_000), "a.parquet")
    assert (batch.read, batch.kept, batch.quarantined) == (count, count - 1, 1)
    bad = store.table("select line, reason from quarantine").to_pylist()
    assert bad == [{"line": 1, "reason": "Not an audit event: no type"}]


def test_a_table_without_rows_has_no_records(load: Load) -> None:
    batch = load(packed(flat().slice(0, 0)), "a.parquet")
    assert (batch.read, batch.error) == (0, "")


def test_a_missing_mapping_is_reported_for_parquet(load: Load) -> None:
    batch = load(packed(pa.table({"moment": [MOMENT], "what": ["x"]})), "a.parquet")
    assert '`timestamp = "moment"`' in batch.error


def test_a_damaged_file_keeps_the_rows_before_the_damage(load: Load, store: Store) -> None:
    count = 200_000
    table = pa.table(
        {
            "id": [f"e{number * 7919 % 1_000_003}" for number in range(count)],
            "timestamp": pa.array([MOMENT] * count, pa.timestamp("us")),
            "type": ["Source Created"] * count,
        }
    )
    data = bytearray(packed(table, row_group_size=50_000))
    middle = len(data) * 3 // 4
    data[middle : middle + 2_000] = b"\x55" * 2_000
    batch = load(bytes(data), "a.parquet")
    assert batch.error.startswith("a.parquet: the Parquet file is damaged or cut short")
    assert 0 < batch.kept < count
    assert len(rows(store)) == batch.kept


@pytest.mark.parametrize("keep", [4, 100, -10])
def test_a_truncated_file_is_reported(load: Load, keep: int) -> None:
    batch = load(packed(flat())[:keep], "a.parquet")
    assert (batch.loader, batch.read) == ("parquet", 0)
    assert "damaged or cut short" in batch.error
    assert "/" not in batch.error


def test_only_parquet_content_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    for data, wanted in ((packed(flat()), True), (b"", False), (b"a,b\n", False)):
        path.write_bytes(data)
        assert parquet_table.accepts(path) is wanted


def test_memory_does_not_grow_with_the_rows_that_share_a_value(
    settings: Settings, tmp_path: Path
) -> None:
    """A value of 1 MB, stored once for 4,000 rows, would be 4 GB of text."""
    path, rows = tmp_path / "a.parquet", 4_000
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["A" * (2 << 20)])
    columns = {"timestamp": "2026-11-24T11:58:00Z", "type": "Source Deleted", "actor": "a"}
    table = pa.table({name: [value] * rows for name, value in columns.items()} | {"x": shared})
    pq.write_table(table, path, compression="zstd")
    assert path.stat().st_size < 5_000
    refused, before = 0, pa.total_allocated_bytes()
    tracemalloc.start()
    for chunk in parquet_table.read(Source(path), settings):
        assert pa.total_allocated_bytes() - before < 64 << 20
        for reject in chunk.rejects:
            refused += 1
            assert (reject.line, reject.reason) == (refused, "Longer than 1,048,576 bytes")
            assert reject.size > 2 << 20
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused == rows
    assert most < 400 << 20  # two chunks of 64 MB and what they are made from


def test_a_table_that_unpacks_too_far_is_refused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    lines = {"timestamp": ["2026-11-24T11:58:00Z"] * 300, "type": ["B" * (1 << 20)] * 300}
    pq.write_table(pa.table(lines), path, compression="zstd", use_dictionary=False)
    with pytest.raises(InputError, match="unpacks to more than"):
        list(parquet_table.read(Source(path), settings))


def test_lists_that_repeat_long_values_are_refused_while_they_are_unpacked(
    settings: Settings, tmp_path: Path
) -> None:
    path, rows = tmp_path / "a.parquet", 1_000
    once = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["x" * 200_000])
    offsets = pa.array(range(rows + 1), pa.int32())
    lists = pa.ListArray.from_arrays(offsets, once.cast(pa.string()))
    lines = {"timestamp": ["2026-11-24T11:58:00Z"] * rows, "type": ["B"] * rows, "tags": lists}
    pq.write_table(pa.table(lines), path)
    assert path.stat().st_size < 20_000
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(InputError, match="unpacks to more than"):
        list(parquet_table.read(Source(path), settings))
    assert pa.default_memory_pool().max_memory() - before < 128 << 20
