"""CSV files through the whole load: what is kept, what is refused and where, and nothing lost."""

import csv
import datetime as dt
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import settings as limited
from hypothesis import strategies as st

from loaders import csv_table
from loaders._columns import ROWS
from tests.conftest import Load, corpora, quarantine, rows
from tests.segment_records import gz
from trail.core.limits import Limits
from trail.core.model import EVENT_COLUMNS, Source
from trail.core.settings import Settings
from trail.events.export import Export, stream
from trail.ingest.files import load_files
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

HEADER = "id,timestamp,type,actor,note\n"
NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def line(number: int, note: str = "") -> str:
    return f"e{number},2026-01-01T00:00:{number % 60:02}Z,Source Created,users/a,{note}\n"


def ids(store: Store) -> list[str]:
    return [row["event_id"] for row in rows(store, "event_id")]


def notes(store: Store) -> dict[str, str]:
    result = {row["event_id"]: json.loads(row["raw"]) for row in rows(store)}
    return {key: value.get("columns", {}).get("note", "") for key, value in result.items()}


def table(cells: list[list[str]], delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(cells)
    return out.getvalue().encode()


def read_notes(path: Path, settings: Settings) -> list[str]:
    chunks = list(csv_table.read(Source(path), settings))
    assert not any(chunk.rejects for chunk in chunks)
    raws = [raw for chunk in chunks for raw in chunk.records["raw"].to_pylist()]
    return [json.loads(raw).get("columns", {}).get("note", "") for raw in raws]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("pack", [bytes, gz, zstandard.compress], ids=["plain", "gzip", "zstd"])
def test_csv_variants_give_the_same_events(
    load: Load, store: Store, delimiter: str, end: str, mark: str, pack: object
) -> None:
    text = (mark + HEADER + line(1, "æ") + line(2).rstrip()).replace(",", delimiter)
    batch = load(pack(text.replace("\n", end).encode()), "events.txt")  # type: ignore[operator]
    assert (batch.loader, batch.read, batch.kept, batch.error) == ("csv", 2, 2, "")
    assert notes(store) == {"e1": "æ", "e2": ""}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("first", ["sep={}", "SEP={}", '"sep={}"', "sep={0}{0}{0}"])
def test_a_sep_line_sets_the_delimiter_and_is_not_a_row(
    settings: Settings, tmp_path: Path, encoding: str, delimiter: str, end: str, first: str
) -> None:
    names = ["id", "timestamp", "type", "actor", "note"]
    cells = ["e1", "2026-01-01T00:00:00Z", "Source Created", "users/a", "Größe, 東京; 😀"]
    text = table([names, cells], delimiter).decode().replace("\r\n", end)
    path = tmp_path / "a.csv"
    path.write_bytes((first.format(delimiter) + end + text).encode(encoding))
    assert csv_table.accepts(path)
    assert read_notes(path, settings) == [cells[-1]]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("pack", [bytes, gz, zstandard.compress], ids=["plain", "gzip", "zstd"])
def test_utf_16_is_read_with_and_without_a_byte_order_mark(
    load: Load, store: Store, encoding: str, pack: Any
) -> None:
    count = 4_000  # more than one piece of the decoder
    text = HEADER + "".join(line(n, "東京の変更履歴と設定" * 3) for n in range(count))
    batch = load(pack(text.encode(encoding)), "a.csv")
    assert (batch.read, batch.kept, batch.error) == (count, count, "")
    assert set(notes(store).values()) == {"東京の変更履歴と設定" * 3}


def test_a_lone_surrogate_in_utf_16_refuses_only_its_row(load: Load, store: Store) -> None:
    text = HEADER + line(1) + line(2, "\ud800") + line(3)
    batch = load(b"\xff\xfe" + text.encode("utf-16-le", "surrogatepass"), "a.csv")
    assert (batch.read, batch.kept) == (3, 2)
    (bad,) = quarantine(store, batch)
    assert (bad["line"], bad["reason"][:8]) == (3, "Not UTF-")


def test_utf_16_truncated_in_a_character_refuses_only_the_last_row(
    load: Load, store: Store
) -> None:
    text = HEADER + line(1) + line(2, "Größ")
    data = text.rstrip("\n").encode("utf-16")
    batch = load(data + b"e", "a.csv")
    assert (batch.read, batch.kept) == (2, 1)
    assert load(text.encode("utf-16") + b"\n", "b.csv").read == 2


def test_json_lines_in_utf_16_are_read(load: Load) -> None:
    data = FIRST.decode().encode("utf-16")
    assert load(data, "a.ndjson").kept == 5


def test_duplicate_column_names_are_reported_with_their_positions(load: Load) -> None:
    batch = load(b"id,time,type,type\ne1,2026-01-01,A,B\n", "a.csv")
    assert (batch.read, batch.kept) == (0, 0)
    assert batch.error.startswith('a.csv: 2 columns are named "type" (3, 4).')


def test_quoted_cells_contain_delimiters_quotes_and_newlines(load: Load, store: Store) -> None:
    load((HEADER + line(1, '"a, ""b""\r\nc\n\nd"') + line(2)).encode(), "a.csv")
    assert notes(store) == {"e1": 'a, "b"\r\nc\n\nd', "e2": ""}


def test_times_without_an_offset_are_utc(load: Load, store: Store) -> None:
    load(b"time,type\n2026-01-01 10:00:00,A\n2026-01-01T12:00:00+02:00,B\n", "a.csv")
    assert {row["occurred_at"] for row in rows(store)} == {dt.datetime(2026, 1, 1, 10)}


def test_a_second_load_of_the_same_table_adds_nothing(load: Load, store: Store) -> None:
    data = b"time,type,user\n2026-01-01,A,maya@example.com\n2026-01-02,B,maya@example.com\n"
    assert load(data, "a.csv").kept == 2
    again = load(data, "a.csv")
    assert (again.read, again.kept, again.duplicates) == (2, 0, 2)
    assert {row["actor_email"] for row in rows(store)} == {"maya@example.com"}


def test_a_row_with_too_many_or_too_few_cells_is_refused_alone(load: Load, store: Store) -> None:
    text = HEADER + line(1) + "e2,too,few\n" + '"x\ny"\n' + "\n" + line(3, "a,b") + line(4)
    batch = load(text.encode(), "a.csv")
    assert (batch.read, batch.kept, batch.quarantined) == (5, 2, 3)
    assert ids(store) == ["e1", "e4"]
    assert [(bad["line"], bad["reason"], bad["raw"]) for bad in quarantine(store, batch)] == [
        (3, "3 cells, where the header has 5", b"e2,too,few"),
        (4, "1 cells, where the header has 5", b'"x\ny"'),
        (7, "6 cells, where the header has 5", line(3, "a,b").strip().encode()),
    ]


def test_empty_rows_are_skipped(load: Load) -> None:
    batch = load(f"{HEADER}\n{line(1)}  \n,,,,\n\r\n".encode(), "a.csv")
    assert (batch.read, batch.kept) == (1, 1)


@pytest.mark.parametrize(
    "after",
    [
        line(3) + line(4),
        line(3, '"quoted, too"') + line(4),
        line(3, '""') + line(4),
        line(3, '"over\ntwo lines"') + line(4),
        '"e3","2026-01-01","A","users/a",""\n' + line(4, '"x"'),
    ],
)
def test_an_unclosed_quote_refuses_only_its_row(load: Load, store: Store, after: str) -> None:
    batch = load((HEADER + line(1) + line(2, '"open') + after).encode(), "a.csv")
    assert ids(store) == ["e1", "e3", "e4"]
    assert [(bad["line"], bad["raw"]) for bad in quarantine(store, batch)] == [
        (3, line(2, '"open').strip().encode())
    ]
    assert batch.read == batch.kept + batch.quarantined == 4


def test_an_unclosed_quote_far_from_the_end_refuses_only_its_row(load: Load, store: Store) -> None:
    text = HEADER + line(0, '"open') + "".join(line(number) for number in range(1, 5_000))
    batch = load(text.encode(), "a.csv")
    assert (batch.kept, batch.quarantined) == (4_999, 1)
    assert quarantine(store, batch)[0]["reason"] == "A quote is opened and never closed"


def test_a_row_with_an_unescaped_quote_is_refused(load: Load, store: Store) -> None:
    batch = load((HEADER + line(1, '"a" b') + line(2, 'a "b"')).encode(), "a.csv")
    assert notes(store) == {"e2": 'a "b"'}
    bad = quarantine(store, batch)[0]
    assert (bad["line"], bad["reason"][:31]) == (2, "A quote inside a cell is not do")


def test_bytes_that_are_not_utf_8_refuse_only_their_row(load: Load, store: Store) -> None:
    text = (HEADER + line(1) + line(2, "caf\xe9") + line(3, '"two\nlin\xe9s"') + line(4)).encode(
        "latin-1"
    )
    batch = load(text, "a.csv")
    assert ids(store) == ["e1", "e4"]
    bad = quarantine(store, batch)
    assert [item["line"] for item in bad] == [3, 4]
    assert all(item["reason"].startswith("Not UTF-8 at byte ") for item in bad)
    assert bad[0]["raw"].endswith(b"caf\xe9")


@pytest.mark.parametrize("filling", ["\n" * 1_001, "y" * 1_100_000 + "\n", "y\n" * 600_000])
def test_the_content_of_a_long_cell_is_never_read_as_rows(
    load: Load, store: Store, filling: str
) -> None:
    header = HEADER.strip().split(",")
    row = ["e1", "2026-01-01", "Source Created", "users/a", filling + line(7) + line(8)]
    batch = load(table([header, row, ["e2", "2026-01-01", "A", "u", ""]]), "a.csv")
    assert set(ids(store)) - {"e1"} == {"e2"}
    assert batch.read == batch.kept + batch.quarantined == 2


@pytest.mark.parametrize("length", [1_100_000, 20_000_000])
def test_a_cell_that_is_too_long_refuses_only_its_row(
    load: Load, store: Store, length: int
) -> None:
    text = HEADER + line(1) + line(2, "x" * length) + line(3)
    batch = load(text.encode(), "a.csv")
    assert ids(store) == ["e1", "e3"]
    (bad,) = quarantine(store, batch)
    assert bad["line"] == 3
    assert "onger than 1,048,576 bytes" in bad["reason"]


def test_many_unclosed_quotes_are_refused_in_bounded_time(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + 'a","\n' * 200_000)
    start = time.monotonic()
    refused = sum(len(chunk.rejects) for chunk in csv_table.read(Source(path), settings))
    assert refused == 200_000
    assert time.monotonic() - start < 30


def test_rows_across_block_boundaries_are_complete(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    wanted = [f"{number}\n{'x' * 3_000}\n" for number in range(7_000)]
    path.write_bytes(
        table(
            [HEADER.strip().split(","), *(["i", "2026-01-01", "A", "u", note] for note in wanted)]
        )
    )
    assert read_notes(path, settings) == wanted


def test_a_long_table_is_read_in_chunks(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "".join(line(number) for number in range(120_000)))
    chunks = list(csv_table.read(Source(path), settings))
    assert [chunk.records.num_rows for chunk in chunks] == [ROWS, ROWS, 120_000 - 2 * ROWS]
    assert chunks[0].records["line"].to_pylist()[:2] == [2, 3]
    assert chunks[-1].records["line"].to_pylist()[-1] == 120_001
    assert chunks[-1].progress == 1.0


@given(
    cells=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t"),
)
def test_any_text_is_stored_unchanged(
    settings: Settings, tmp_path: Path, cells: list[str], delimiter: str
) -> None:
    path = tmp_path / "any.csv"
    whole = [HEADER.strip().split(","), *(["i", "2026-01-01", "A", "u", cell] for cell in cells)]
    path.write_bytes(table(whole, delimiter))
    assert csv_table.accepts(path)
    assert read_notes(path, settings) == cells


@given(st.lists(st.sampled_from(['"', ",", "\n", "\r\n", "a", "b,c", '"",', "é", '"\n'])))
def test_any_broken_table_is_read_to_the_end(
    settings: Settings, tmp_path: Path, parts: list[str]
) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes((HEADER + line(1) + "".join(parts) + "\n" + line(2)).encode())
    chunks = list(csv_table.read(Source(path), settings))
    raws = [raw for chunk in chunks for raw in chunk.records["raw"].to_pylist()]
    lost = b"".join(reject.raw for chunk in chunks for reject in chunk.rejects)
    assert json.loads(raws[0])["id"] == "e1"
    seen = lost + "".join(raws).encode()
    assert b"e2" in seen


def test_a_missing_mapping_is_the_error_of_the_batch(
    load: Load, store: Store, settings: Settings, tmp_path: Path
) -> None:
    data = b"Moment,What\n2026-01-01,Source Created\n"
    batch = load(data, "a.csv")
    assert batch.error.startswith("a.csv: Columns are missing or ambiguous.")
    assert '`timestamp = "Moment"`' in batch.error
    assert batch.read == 0
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    mapping = {"timestamp": "Moment", "type": "What"}
    assert next(load_files(store, settings, [path], mapping=mapping)).kept == 1


def test_an_unreadable_header_is_reported(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,"b" c\n1,2\n')
    assert not csv_table.accepts(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"one column\n1\n",
        b'{"a": 1, "b": 2}',
        b"\n [1, 2]",
        b"\x00\x01,\x02\n",
        b"\xff\xfe,a\n",
    ],
)
def test_other_content_is_not_accepted_as_csv(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    assert not csv_table.accepts(path)


FIRST = """
{"id": "a1", "timestamp": "2026-01-05T10:00:00.25Z", "type": "source created",
 "actor": "users/u1", "actorEmail": "maya@example.com", "workspaceId": "w1",
 "resourceId": "s1", "resourceType": "Sources", "resourceName": "=1+1, \\"x\\"\\ny"}
{"messageId": "api-2", "timestamp": "2026-01-06T10:00:00Z", "type": "track", "event": "Audit",
 "userId": "__system__", "properties": {"type": "＝Never Heard Of", "workspace_id": "w1",
 "details": {"resource_id": "-7", "target": "@home "}}}
{"messageId": "api-3", "timestamp": "2026-01-07T10:00:00Z", "type": "track", "event": "Audit",
 "properties": {"type": "Space Modified",
 "details": {"subject": "someone", "subject_email": "x@example.com"}}}
{"id": "a4", "timestamp": "2026-01-08T10:00:00Z", "type": "Source Deleted", "actor": "tokens/t1"}
{"timestamp": "2026-02-08T10:00:00Z", "type": "Source Deleted"}
""".replace("\n ", " ").encode()


@pytest.mark.parametrize("format_", ["csv", "parquet"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Oslo"])
@pytest.mark.parametrize("with_raw", [False, True])
def test_an_export_loads_as_the_same_events(
    load: Load,
    store: Store,
    settings: Settings,
    tmp_path: Path,
    format_: str,
    zone: str,
    with_raw: bool,
) -> None:
    assert load(FIRST, "a.ndjson").kept == 5
    columns = EVENT_COLUMNS if with_raw else EVENT_COLUMNS[:-1]
    export = Export(Filter(tz=zone), format_, columns)
    data = b"".join(stream(store, export, NOW, csv_bom=True))
    other = Store.open(tmp_path / "other.duckdb", settings)
    try:
        batch = load(data, f"export.{format_}", into=other)
        assert (batch.loader, batch.kept, batch.quarantined) == (format_, 5, 0)
        for was, now in zip(rows(store), rows(other), strict=True):
            for name in EVENT_COLUMNS:
                if name not in ("ingested_at", "verified") and (with_raw or name != "raw"):
                    assert now[name] == was[name], name
    finally:
        other.close()
    assert load(data, f"export.{format_}").duplicates == 5


@limited(max_examples=6)
@given(
    st.lists(
        st.text(st.sampled_from("'=+-@\t\r\n\",;aö東 😀＝\u200b")) | st.text(max_size=8),
        max_size=40,
    )
)
def test_a_loaded_export_gives_the_same_export(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    events = [
        {
            "id": f"e{number}",
            "timestamp": f"2026-01-05T10:00:{number:02}Z",
            "type": "Source Modified",
            "actor": "users/u1",
            "actorEmail": "mara@example.com",
            "resourceId": "s1",
            "resourceType": "Sources",
            "resourceName": name,
        }
        for number, name in enumerate(names)
    ]
    folder = tmp_path_factory.mktemp("again")
    first = folder / "first.ndjson"
    first.write_text("".join(json.dumps(event) + "\n" for event in events))
    kept = [name for name in EVENT_COLUMNS if name not in ("ingested_at", "verified", "raw")]
    export = Export(Filter(tz="Europe/Oslo"), "csv", tuple(kept))
    exported = []
    for path in (first, folder / "export.csv"):
        store = Store.open(folder / f"{path.name}.duckdb", settings)
        assert [batch.quarantined for batch in load_files(store, settings, [path])] == [0]
        exported.append(b"".join(stream(store, export, NOW, csv_bom=True)))
        (folder / "export.csv").write_bytes(exported[0])
        store.close()
    assert exported[0] == exported[1]


def test_an_empty_export_loads_no_events(load: Load, store: Store) -> None:
    data = b"".join(stream(store, Export(Filter()), NOW))
    batch = load(data, "export.csv")
    assert (batch.loader, batch.read, batch.error) == ("csv", 0, "")


def test_the_line_limit_applies_to_cells(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + line(1, '"' + "x\n" * 900 + '"') + line(2))
    limits = Limits(line_bytes=1024)
    chunks = list(csv_table.read(Source(path), settings.model_copy(update={"limits": limits})))
    assert [chunk.records["line"].to_pylist()[-1] for chunk in chunks] == [903]
    assert chunks[0].rejects[0].line == 2


# The corpus's files; each comes with what should be read, as JSON.
SPECTRUM = [
    "comma_in_quotes",
    "empty",
    "empty_crlf",
    "escaped_quotes",
    "json",
    "newlines",
    "newlines_crlf",
    "quotes_and_newlines",
    "simple",
    "simple_crlf",
    "utf8",
]


@pytest.mark.parametrize("name", SPECTRUM)
def test_the_csv_spectrum_suite_is_read_as_specified(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    folder = corpora() / "csv-spectrum"
    wanted = json.loads((folder / "json" / f"{name}.json").read_text())
    path = tmp_path / "a.csv"
    path.write_bytes((folder / "csvs" / f"{name}.csv").read_bytes())
    assert csv_table.accepts(path)
    time_, type_, *others = wanted[0]
    mapping = {"timestamp": time_, "type": type_}
    (chunk,) = csv_table.read(Source(path, mapping), settings)
    assert not chunk.rejects
    result = []
    for record in map(json.loads, chunk.records["raw"].to_pylist()):
        rest = record.get("columns", {})
        cells = {time_: record.get("timestamp", ""), type_: record.get("type", "")}
        result.append(cells | {other: rest.get(other, "") for other in others})
    assert _unix(result) == _unix(wanted)


def _unix(table: list[dict[str, str]]) -> list[dict[str, str]]:
    # The corpus does not say which kind of newline a cell keeps.
    return [{k: text.replace("\r\n", "\n") for k, text in row.items()} for row in table]
