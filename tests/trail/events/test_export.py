"""Exported files: names, headers, safe CSV, exact NDJSON and Parquet, ordered slices."""

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.trail import random_trail
from tests.trail.random_trail import NOW, event
from trail.core import csv_safety
from trail.core.errors import InputError
from trail.core.model import RECORD_COLUMNS
from trail.events import ecs, names, ocsf, slices
from trail.events import export as exports
from trail.events.export import Export
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

ROWS = random_trail.random_rows(11)
NOTHING = Filter.parse("actor=nobody")


@pytest.fixture(scope="module")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS`."""
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), [row.raw for row in ROWS])
    yield opened
    opened.close()


def data(store: Store, export: Export, limit: int | None = None) -> bytes:
    """Return the whole file."""
    return b"".join(exports.stream(store, export, NOW, limit))


def table(store: Store, filter_: Filter, *columns: str) -> list[list[str]]:
    """Return the cells of a CSV, its header first."""
    chosen = Export(filter_, "csv", columns or exports.CSV_COLUMNS)
    return list(csv.reader(io.StringIO(data(store, chosen).decode(), newline="")))


def objects(store: Store, filter_: Filter, *columns: str) -> list[dict[str, Any]]:
    """Return the objects of an NDJSON."""
    text = data(store, Export(filter_, "ndjson", columns or RECORD_COLUMNS)).decode()
    assert not text or text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


def parquet(store: Store, filter_: Filter, *columns: str) -> pa.Table:
    """Return the table of a Parquet file."""
    written = data(store, Export(filter_, "parquet", columns or RECORD_COLUMNS))
    return pq.read_table(io.BytesIO(written))


def in_order(sort: str) -> list[random_trail.Row]:
    """Return `ROWS` in the order of *sort*."""
    by_id = {row.event_id: row for row in ROWS}
    return [by_id[event_id] for event_id in random_trail.in_order(ROWS, sort)]


@pytest.mark.parametrize(
    ("query", "kind", "name"),
    [
        ("", "csv", "audit-trail_2026-11-02T1534_UTC.csv"),
        ("tz=Asia/Kolkata", "csv", "audit-trail_2026-11-02T2104_Asia-Kolkata.csv"),
        ("tz=America/New_York", "csv", "audit-trail_2026-11-02T1034_America-New_York.csv"),
        ("tz=Etc/GMT%2B5", "csv", "audit-trail_2026-11-02T1034_Etc-GMT+5.csv"),
        # The exact formats are in UTC in every time zone of the reader.
        ("tz=Asia/Kolkata", "ndjson", "audit-trail_2026-11-02T1534_UTC.ndjson"),
        ("tz=Asia/Kolkata", "parquet", "audit-trail_2026-11-02T1534_UTC.parquet"),
    ],
)
def test_file_name_contains_time_and_time_zone(query: str, kind: str, name: str) -> None:
    assert Export(Filter.parse(query), kind).file_name(NOW) == name


def test_csv_header_names_the_time_zone(full_store: Store) -> None:
    header = table(full_store, Filter(tz="Asia/Kathmandu"))[0]
    assert header == [
        f"{name} (Asia/Kathmandu)" if name in ("occurred_at", "ingested_at") else name
        for name in exports.CSV_COLUMNS
    ]


@pytest.mark.parametrize("tz", random_trail.ZONES)
def test_csv_times_are_in_the_time_zone(full_store: Store, tz: str) -> None:
    filter_ = Filter(tz=tz, sort="oldest")
    rows = table(full_store, filter_, "event_id", "occurred_at", "ingested_at")[1:]
    ingested = {row["event_id"]: row["ingested_at"] for row in objects(full_store, filter_)}
    assert len(rows) == len(ROWS)
    for expected, (event_id, occurred_at, ingested_at) in zip(
        in_order("oldest"), rows, strict=True
    ):
        assert event_id.removeprefix("'") == expected.event_id
        for shown, utc in (
            (occurred_at, expected.occurred_at.replace(tzinfo=dt.UTC)),
            (ingested_at, dt.datetime.fromisoformat(ingested[expected.event_id])),
        ):
            moment = dt.datetime.fromisoformat(shown)
            assert moment == utc
            assert moment.utcoffset() == utc.astimezone(filter_.zone).utcoffset()
            assert shown[10] == "T"
            assert shown.endswith("Z") == (tz == "UTC")


def test_csv_times_around_dst_changes_are_unambiguous(tmp_path: Path) -> None:
    store = random_trail.store_of(
        tmp_path,
        [
            event("a", "2026-10-25T00:59:59.999999"),
            event("b", "2026-10-25T01:00:00"),
            event("c", "2026-03-29T00:59:59.5"),
            event("d", "2026-03-29T01:00:00"),
        ],
    )
    shown = table(store, Filter(tz="Europe/London", sort="oldest"), "event_id", "occurred_at")[1:]
    store.close()
    assert shown == [
        ["c", "2026-03-29T00:59:59.500000+00:00"],
        ["d", "2026-03-29T02:00:00.000000+01:00"],
        ["a", "2026-10-25T01:59:59.999999+01:00"],
        ["b", "2026-10-25T01:00:00.000000+00:00"],
    ]


FORMULAS = (
    "=1+1",
    "+41",
    "-5",
    "@cmd",
    "\tTab",
    "\rReturn",
    "\nLine",
    "=cmd|' /C calc'!A0",
    "=",
    "-",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    "'=1",
    "''-",
)
# Where a semicolon separates, or a line end, as some spreadsheets read it.
INSIDE = {"a\n=1": "a\n'=1", "a;=1": "a;'=1", "a;'=1": "a;''=1", "a;\t=1": "a;'\t=1"}
HARMLESS = (
    "a＝b",
    "a=b",
    "'",
    "'a",
    " =1",
    'x","=1',
    "1-2",
    "ö",
    'say "hi"',
    "a,b",
    "a\r\nb",
    "5",
)


def test_csv_formulas_are_neutralized(tmp_path: Path) -> None:
    texts = (*FORMULAS, *INSIDE, *HARMLESS)
    store = random_trail.store_of(
        tmp_path,
        [
            event(f"e{n:02}", "2026-10-01", text, actor=f"{text}", target=("source", text, text))
            for n, text in enumerate(texts)
        ],
    )
    names = ("event_id", "action", "action_raw", "actor_id", "target_id", "target_name")
    rows = table(store, Filter(sort="oldest"), *names)[1:]
    exact = {row["event_id"]: row for row in objects(store, Filter())}
    store.close()
    assert len(rows) == len(texts)
    for row, text in zip(rows, texts, strict=True):
        known = exact[row[0]]
        for name, cell in zip(names, row, strict=True):
            value = known[name]
            assert csv_safety.original(cell) == value
            assert not any(
                part.startswith(tuple("=+-@＝＋－＠\t")) for part in re.split("[;\r\n]", cell)
            )
        assert row[-1] == (f"'{text}" if text in FORMULAS else INSIDE.get(text, text))
        assert (known["target_name"], known["target_id"], known["action_raw"]) == (text,) * 3


def test_raw_records_in_csv_are_unchanged(full_store: Store) -> None:
    rows = table(full_store, Filter(sort="oldest"), "raw")
    assert [row[0] for row in rows[1:]] == [row.raw for row in in_order("oldest")]


@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_ndjson_is_exact(full_store: Store, sort: str) -> None:
    rows = objects(full_store, Filter(sort=sort, tz="Asia/Kolkata"))
    for row, expected in zip(rows, in_order(sort), strict=True):
        assert tuple(row) == RECORD_COLUMNS
        assert row.pop("occurred_at").endswith("Z")
        assert row.pop("ingested_at").endswith("Z")
        assert row.pop("verified") is None
        assert row == {name: expected.exact(name) for name in row}
    times = [row["occurred_at"] for row in objects(full_store, Filter(sort=sort), "occurred_at")]
    assert [dt.datetime.fromisoformat(time) for time in times] == [
        row.occurred_at.replace(tzinfo=dt.UTC) for row in in_order(sort)
    ]


@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_parquet_is_exact_and_its_times_are_utc(full_store: Store, sort: str) -> None:
    result = parquet(full_store, Filter(sort=sort, tz="Asia/Kolkata"))
    assert tuple(result.column_names) == RECORD_COLUMNS
    for name in ("occurred_at", "ingested_at"):
        assert result.schema.field(name).type == pa.timestamp("us", tz="UTC")
    for row, expected in zip(result.to_pylist(), in_order(sort), strict=True):
        assert row.pop("occurred_at").replace(tzinfo=None) == expected.occurred_at
        del row["ingested_at"], row["verified"]
        assert row == {name: expected.exact(name) for name in row}


@pytest.mark.parametrize("tz", ["UTC", "Europe/London"])
def test_export_without_events_is_a_valid_file(full_store: Store, store: Store, tz: str) -> None:
    for empty, filter_ in ((full_store, NOTHING), (store, Filter(tz=tz))):
        rows = table(empty, filter_)
        assert len(rows) == 1
        assert rows[0][0] == "event_id"
        assert objects(empty, filter_) == []
        result = parquet(empty, filter_)
        assert result.num_rows == 0
        assert result.schema == parquet(full_store, Filter()).schema


def test_columns_are_in_the_requested_order(full_store: Store) -> None:
    names = ("target_name", "risk", "event_id")
    filter_ = Filter(sort="oldest")
    assert table(full_store, filter_, *names)[0] == list(names)
    assert tuple(objects(full_store, filter_, *names)[0]) == names
    assert tuple(parquet(full_store, filter_, *names).column_names) == names
    first = in_order("oldest")[0]
    assert objects(full_store, filter_, *names)[0] == {name: first.exact(name) for name in names}


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize("name", RECORD_COLUMNS)
def test_each_column_can_be_exported_alone(full_store: Store, kind: str, name: str) -> None:
    assert data(full_store, Export(Filter(), kind, (name,)), limit=3)


@pytest.mark.parametrize("kind", tuple(exports.FORMATS))
@pytest.mark.parametrize(
    "columns",
    [("event_id", "password"), (), ("",), ("event_id; drop table events",), ("batch_id",), ("*",)],
)
def test_unknown_column_is_refused(kind: str, columns: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="column"):
        Export(Filter(), kind, columns)


@pytest.mark.parametrize("kind", ["ocsf.ndjson", "ecs.ndjson"])
def test_documents_are_those_of_the_rows(full_store: Store, kind: str) -> None:
    with pytest.raises(InputError, match="fixed"):
        Export(Filter(), kind, ("event_id",))
    filter_ = Filter(sort="oldest")
    to_document = {"ocsf.ndjson": ocsf.event, "ecs.ndjson": ecs.event}[kind]
    lines = [json.loads(line) for line in data(full_store, Export(filter_, kind)).splitlines()]
    # The same as from the text of times, as rows wait in the outbox.
    expected = [to_document(row) for row in objects(full_store, filter_, *names.MESSAGE_COLUMNS)]
    assert lines == expected
    assert len(lines) > 3


@pytest.mark.parametrize("kind", exports.FORMATS)
def test_format_is_that_of_the_extension(kind: str) -> None:
    assert exports.format_of(f"a.b.{kind.upper()}") == kind
    assert exports.FORMAT_TITLES[kind]
    assert exports.estimated_bytes(kind, 1) > 100
    assert exports.format_of("report.xlsx") == "xlsx"


@pytest.mark.parametrize("kind", tuple(exports.FORMATS))
def test_duplicate_column_does_not_crash(full_store: Store, kind: str) -> None:
    try:
        chosen = Export(Filter(), kind, ("event_id", "event_id"))
    except InputError:
        return
    assert data(full_store, chosen)


def test_unknown_format_is_refused() -> None:
    with pytest.raises(InputError, match="'xlsx'"):
        Export(Filter(), "xlsx")


@pytest.mark.parametrize("sort", ["newest", "oldest"])
@pytest.mark.parametrize("size", [9, 50])
def test_slices_are_in_order(
    full_store: Store, monkeypatch: pytest.MonkeyPatch, sort: str, size: int
) -> None:
    monkeypatch.setattr(slices, "_SLICE_ROWS", size)
    expected = [row.event_id for row in in_order(sort)]
    filter_ = Filter(sort=sort)
    assert [row["event_id"] for row in objects(full_store, filter_)] == expected
    assert parquet(full_store, filter_)["event_id"].to_pylist() == expected
    assert [row[0].removeprefix("'") for row in table(full_store, filter_)[1:]] == expected
    # A window with partial hours, and limits within a slice.
    cut = Filter("2026-10-25T00:59:59.999999Z", "2026-11-02T15:34:56.789Z", sort=sort)
    inside = [row.event_id for row in in_order(sort) if row.fits(cut)]
    assert 0 < len(inside) < len(ROWS)
    assert [row["event_id"] for row in objects(full_store, cut)] == inside
    for limit in (0, 1, size, size + 1, len(ROWS) - 1, len(ROWS), len(ROWS) + 1):
        text = data(full_store, Export(filter_, "ndjson", ("event_id",)), limit).decode()
        ids = [json.loads(line)["event_id"] for line in text.splitlines()]
        assert ids == expected[:limit]


def test_export_is_a_snapshot_during_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "_SLICE_ROWS", 2)
    store = random_trail.store_of(
        tmp_path, [event(f"a{n}", f"2026-10-{20 - n:02}") for n in range(10)]
    )
    parts = exports.stream(store, Export(Filter(), "ndjson", ("event_id",)), NOW)
    text = next(parts)
    random_trail.add(
        store, tmp_path, [event(f"b{n}", f"2026-10-{20 - n:02}T12:00") for n in range(10)]
    )
    text += b"".join(parts)
    after = objects(store, Filter(), "event_id")
    store.close()
    assert [json.loads(line)["event_id"] for line in text.splitlines()] == [
        f"a{n}" for n in range(10)
    ]
    assert len(after) == 20


def test_closed_export_releases_its_snapshot(full_store: Store) -> None:
    parts = exports.stream(full_store, Export(Filter(), "csv"), NOW)
    assert next(parts)
    parts.close()  # type: ignore[attr-defined]
    assert next(parts, None) is None
    assert len(objects(full_store, Filter())) == len(ROWS)


def test_download_url_contains_filter_and_columns() -> None:
    filter_ = Filter.parse("actor=-users/a%26b&q=x y&from=7d&tz=Asia/Kolkata")
    for kind, columns, named in (
        ("csv", exports.CSV_COLUMNS, None),
        ("ndjson", RECORD_COLUMNS, None),
        ("csv", ("event_id", "action"), "event_id,action"),
        ("parquet", exports.CSV_COLUMNS, ",".join(exports.CSV_COLUMNS)),
    ):
        parts = urlsplit(exports.download_url(Export(filter_, kind, columns)))
        pairs = parse_qsl(parts.query)
        assert parts.path == f"/export.{kind}"
        assert dict(pairs).get("columns") == named
        assert Filter.parse(pair for pair in pairs if pair[0] != "columns") == filter_
    assert "tz=UTC" in exports.download_url(Export(Filter()))


def test_unicode_line_breaks_stay_in_one_ndjson_line(tmp_path: Path) -> None:
    name = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x7fh\U0001f600"
    store = random_trail.store_of(
        tmp_path, [event("a", "2026-10-01", target=("source", "s", name))]
    )
    assert [row["target_name"] for row in objects(store, Filter())] == [name]
    assert table(store, Filter(), "target_name")[1:] == [[name]]
    assert parquet(store, Filter())["target_name"].to_pylist() == [name]
    store.close()


@pytest.mark.parametrize("kind", exports.FORMATS)
@pytest.mark.parametrize("wanted", [True, False])
def test_only_csv_begins_with_a_byte_order_mark(full_store: Store, kind: str, wanted: bool) -> None:
    export = Export(Filter(), kind)
    marked = b"".join(exports.stream(full_store, export, NOW, csv_bom=wanted))
    mark = b"\xef\xbb\xbf" if wanted and kind == "csv" else b""
    assert marked == mark + data(full_store, export)
