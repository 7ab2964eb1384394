"""Files in the folder of an ingest process that no ingest process writes."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from trail.core.clock import utc_now
from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.ingest import nodes, parts
from trail.ingest.compaction import SET_ASIDE, Compactor
from trail.ingest.node import REPORT
from trail.storage.duckdb import Store

RECORD: dict[str, Any] = {
    "receiver": "webhook",
    "raw": b"{",
    "verified": True,
    "named": False,
    "refusal": "",
}
ABOUT = parts.About("a", "process-1", 1, 1, 1)


def table(*records: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([{**RECORD, **record} for record in records], parts.SCHEMA)


def part(path: Path, content: pa.Table, about: parts.About = ABOUT) -> None:
    """Write what states that it is a part, whatever is in it."""
    with pq.ParquetWriter(path, content.schema, store_schema=False) as writer:
        writer.write_table(content)
        writer.add_key_value_metadata({parts._ABOUT: orjson.dumps(asdict(about))})


def repeated(rows: int, raw: bytes = b"{") -> pa.Table:
    """Return so many equal records, which are a few bytes of a file."""
    one = table({"raw": raw})
    columns = {
        name: pa.DictionaryArray.from_arrays(
            pa.array([0] * rows, pa.int32()), one[name].combine_chunks()
        )
        if name in parts._TEXTS
        else one[name].take(pa.array([0] * rows))
        for name in parts.SCHEMA.names
    }
    return pa.table(columns)


def stated_again(content: pa.Table) -> pa.Table:
    return content.append_column("raw", content["raw"])


def not_utf8(content: pa.Table) -> pa.Table:
    wrong = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.array([0, 1], pa.int32()).buffers()[1], pa.py_buffer(b"\xff")]
    )
    return content.set_column(content.schema.get_field_index("refusal"), "refusal", wrong)


ONE = table({})
FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "It is not a file."),
    "folder": (Path.mkdir, "It is not a file."),
    "device": (lambda path: path.symlink_to("/dev/zero"), "It is not a file."),
    "link": (lambda path: path.symlink_to(path.with_name("other")), "It is not a file."),
    "empty": (Path.touch, "It is not a Parquet file, or is damaged."),
    "column twice": (
        lambda path: part(path, stated_again(ONE)),
        "It is not a Parquet file, or is damaged.",
    ),
    "other type": (
        lambda path: part(path, ONE.set_column(1, "raw", pa.array(["{"]))),
        "Its column raw is not binary.",
    ),
    "not UTF-8": (
        lambda path: part(path, not_utf8(ONE)),
        "It is not a Parquet file, or is damaged.",
    ),
    "null": (lambda path: part(path, table({"raw": None})), "A record is incomplete."),
    "rows": (
        lambda path: part(path, repeated(200_000), replace(ABOUT, records=200_000)),
        "A group has more than 100,000 records or 268 MB.",
    ),
    "long values": (
        lambda path: part(path, repeated(90_000, b"{" * 9000), replace(ABOUT, records=90_000)),
        "A group has more than 100,000 records or 268 MB.",
    ),
    "fewer rows": (
        lambda path: part(path, ONE, replace(ABOUT, records=2)),
        "It has 1 records in place of 2.",
    ),
    "other receiver": (
        lambda path: part(path, table({"receiver": "\x1b[2J"})),
        "It has records of a receiver that this server does not have.",
    ),
    "other process": (
        lambda path: part(path, ONE, replace(ABOUT, process="b:x")),
        "No ingest process wrote it.",
    ),
    "begins after itself": (
        lambda path: part(path, ONE, replace(ABOUT, first=2)),
        "No ingest process wrote it.",
    ),
    "begins long before": (
        lambda path: part(path, ONE, replace(ABOUT, first=-(10**18))),
        "No ingest process wrote it.",
    ),
    "other node": (
        lambda path: part(path, ONE, replace(ABOUT, node="b")),
        "Its name is that of another part.",
    ),
}


@pytest.fixture
def folder(settings: Settings) -> Path:
    path = settings.store.incoming / "a"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def compactor(settings: Settings) -> Iterator[Compactor]:
    with closing(Compactor(settings)) as opened:
        yield opened


def test_no_file_stops_the_others(store: Store, folder: Path, compactor: Compactor) -> None:
    path, reasons = folder / parts.name("a", 1), []
    for number, (make, _) in enumerate(FILES.values(), 1):
        make(path)
        assert compactor.run(lambda: store) == 0
        assert not os.path.lexists(path)
        suffix = "" if number == 1 else f"-{number}"
        reasons.append((folder / SET_ASIDE / f"{path.stem}{suffix}.txt").read_text().strip())
    assert dict(zip(FILES, reasons, strict=True)) == {name: why for name, (_, why) in FILES.items()}
    part(path, ONE)
    assert compactor.run(lambda: store) == 1


def test_any_number_of_a_part_leaves_room_for_the_others(
    settings: Settings, store: Store, folder: Path, compactor: Compactor
) -> None:
    for number in (10**12 - 1, 5, 3):
        part(folder / parts.name("a", number), ONE, replace(ABOUT, sequence=number))
        assert compactor.run(lambda: store) == 1
    (status,) = nodes.nodes(store, settings)
    assert status.missing == 10**12 - 1 - 3
    part(folder / parts.name("a", 3), ONE, replace(ABOUT, sequence=3))
    assert compactor.run(lambda: store) == 0
    assert store.table("select count(*) as n from quarantine")["n"][0].as_py() == 3


def test_a_folder_that_is_not_that_of_a_node_is_left_alone(
    settings: Settings, store: Store, folder: Path, compactor: Compactor
) -> None:
    for name in (".snapshot", "lost+found", "a\nThe ingest process b", "\x1b[2J"):
        (folder.parent / name).mkdir()
    assert compactor.run(lambda: store) == 0
    assert [node.node for node in nodes.nodes(store, settings)] == ["a"]


def test_a_folder_that_cannot_be_read_is_reported(
    store: Store, folder: Path, compactor: Compactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the process runs with another user, and its umask hides what it writes."""
    real = Path.iterdir

    def denied(path: Path) -> Iterator[Path]:
        if path == folder:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(UnavailableError, match="The folder of node a cannot be read"):
        compactor.run(lambda: store)


def test_a_file_that_cannot_be_deleted_is_stored_once_and_stops_no_other_node(
    store: Store,
    folder: Path,
    compactor: Compactor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = folder.with_name("b")
    other.mkdir()
    part(folder / parts.name("a", 1), ONE)
    part(other / parts.name("b", 1), ONE, replace(ABOUT, node="b"))
    real = Path.unlink

    def denied(path: Path, **more: bool) -> None:
        if path.parent == folder:
            raise PermissionError(13, "Permission denied", str(path))
        real(path, **more)

    monkeypatch.setattr(Path, "unlink", denied)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="node a"):
            compactor.run(lambda: store)
    assert not list(other.iterdir())
    assert store.table("select count(*) as n from quarantine")["n"][0].as_py() == 2


def test_a_file_is_set_aside_nowhere_else(
    store: Store, folder: Path, compactor: Compactor, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / SET_ASIDE).symlink_to(elsewhere)
    (folder / parts.name("a", 1)).write_bytes(b"PAR1")
    compactor.run(lambda: store)
    assert not list(elsewhere.iterdir())
    assert len(list((folder / SET_ASIDE).iterdir())) == 2


@pytest.mark.parametrize(
    "report",
    [
        b"[]",
        b'{"seen_at": "0001-01-01T00:00:00+14:00", "waiting_bytes": 1}',
        b'{"seen_at": "2026-01-01T00:00:00Z", "waiting_bytes": 1e999}',
        b"{" * 20_000,
        None,
    ],
)
def test_no_report_breaks_the_status(
    settings: Settings, store: Store, folder: Path, report: bytes | None
) -> None:
    if report is None:
        os.mkfifo(folder / REPORT)
    else:
        (folder / REPORT).write_bytes(report)
    (status,) = nodes.nodes(store, settings)
    assert (status.seen_at, status.log_bytes) == (None, 0)


def test_a_clock_that_is_ahead_is_reported(settings: Settings, store: Store, folder: Path) -> None:
    at = utc_now()
    text = orjson.dumps({"seen_at": f"{at.isoformat()}Z", "waiting_bytes": 0})
    (folder / REPORT).write_bytes(text)
    (status,) = nodes.nodes(store, settings)
    assert status.problems(at) == []
    (problem,) = status.problems(at.replace(year=at.year - 1))
    assert problem.endswith("which is in the future. Check its clock.")


@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=3))
@examples(max_examples=150)
def test_a_file_that_was_changed_is_refused_or_read_whole(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / parts.name("a", 1)
    part(path, table(*({"raw": b'{"n": %d}' % n} for n in range(9))), replace(ABOUT, records=9))
    data = bytearray(path.read_bytes())
    for place, mask in changes:
        data[place % len(data)] ^= mask
    path.write_bytes(data)
    with suppress(parts.DamagedPartError):
        found = parts.checked(path)
        assert sum(map(len, found.entries())) == found.about.records
