"""A watched folder: what is taken, where it goes, and what is never touched."""

import datetime as dt
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from loaders import folder
from loaders.folder import LOADER, FolderSettings
from tests.conftest import rows
from tests.segment_records import forwarded, gz, ndjson
from trail.core.errors import InputError, UnavailableError
from trail.core.model import Arrived, Batch
from trail.core.settings import Settings
from trail.ingest.files import load_drop
from trail.storage.duckdb import Store


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "_PAUSE_S", 0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "in"


@pytest.fixture
def watched(settings: Settings, root: Path) -> Settings:
    """Return settings that watch *root*, which exists."""
    root.mkdir()
    return watching(settings, root)


def watching(settings: Settings, root: Path) -> Settings:
    return settings.model_copy(update={"folder": FolderSettings(path=root)})


def put(path: Path, data: bytes | int = 1, age_s: float = 60) -> Path:
    """Write *data*, or that many events, to *path*, last touched *age_s* seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ndjson([forwarded(n) for n in range(data)]) if isinstance(data, int) else data)
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def look(store: Store, settings: Settings) -> list[Batch]:
    return list(load_drop(store, settings, LOADER))


def waiting(settings: Settings) -> list[Arrived]:
    return list(LOADER.waiting(settings, lambda *_: False))


def inside(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if not p.is_dir())


def report(root: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((root / f"{name}.report.json").read_text(encoding="utf-8")))


def test_a_path_configures_the_folder(settings: Settings, root: Path) -> None:
    assert not LOADER.configured(settings)
    assert waiting(settings) == []
    assert LOADER.configured(watching(settings, root))
    assert LOADER.every_s(settings) == 5


def test_a_missing_folder_is_created(settings: Settings, root: Path) -> None:
    assert waiting(watching(settings, root / "deeper")) == []
    assert (root / "deeper").is_dir()


def test_a_dropped_file_is_loaded_once_and_moved_with_a_report(
    store: Store, watched: Settings, root: Path
) -> None:
    put(root / "events.ndjson.gz", gz(ndjson([forwarded(1), b"{", forwarded(1)])))
    (batch,) = look(store, watched)
    assert (batch.source, batch.kept, batch.error) == ("events.ndjson.gz", 1, "")
    assert inside(root) == ["done/events.ndjson.gz", "done/events.ndjson.gz.report.json"]
    message = report(root / "done", "events.ndjson.gz")
    loaded_at = dt.datetime.fromisoformat(message.pop("loaded_at"))
    assert abs((dt.datetime.now(dt.UTC) - loaded_at).total_seconds()) < 60
    assert message == {
        "read": 3,
        "kept": 1,
        "duplicates": 1,
        "linked": 0,
        "quarantined": 1,
        "error": "",
        "loader": "folder",
        "source": "events.ndjson.gz",
        "bytes": (root / "done/events.ndjson.gz").stat().st_size,
        "lines": 2,
    }
    assert look(store, watched) == []
    assert len(rows(store)) == 1


@pytest.mark.parametrize(
    ("data", "words", "kept"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not a kind of file", 0),
        (gz(ndjson([forwarded(n) for n in range(50)]))[:-9], "cut short", 50),
    ],
    ids=["picture", "cut gzip"],
)
def test_a_file_that_fails_is_moved_to_failed(
    store: Store, watched: Settings, root: Path, data: bytes, words: str, kept: int
) -> None:
    put(root / "a.bin", data)
    (batch,) = look(store, watched)
    assert words in batch.error
    assert batch.kept == kept
    assert inside(root) == ["failed/a.bin", "failed/a.bin.report.json"]
    assert report(root / "failed", "a.bin")["error"] == batch.error
    assert look(store, watched) == []


def test_processed_files_are_never_overwritten(store: Store, watched: Settings, root: Path) -> None:
    for number in range(3):
        put(root / "a.ndjson.gz", number + 1, age_s=60 + number)
        look(store, watched)
    put(root / "b.ndjson")
    put(root / "done/b.ndjson.report.json", b"somebody's own")
    look(store, watched)
    names = ("a-2.ndjson.gz", "a-3.ndjson.gz", "a.ndjson.gz", "b-2.ndjson")
    whole = [f"done/{name}{more}" for name in names for more in ("", ".report.json")]
    assert inside(root) == sorted([*whole, "done/b.ndjson.report.json"])
    assert [report(root / "done", name)["read"] for name in names] == [2, 3, 1, 1]
    assert (root / "done/b.ndjson.report.json").read_bytes() == b"somebody's own"


@pytest.mark.parametrize("age_s", [60, 7200])
def test_a_file_dropped_again_is_loaded_and_adds_nothing(
    store: Store, watched: Settings, root: Path, age_s: float
) -> None:
    put(root / "a.ndjson", 2)
    look(store, watched)
    put(root / "a.ndjson", 2, age_s)
    (batch,) = look(store, watched)
    assert (batch.kept, batch.duplicates) == (0, 2)


def test_a_failed_file_that_is_moved_back_is_retried(
    store: Store, watched: Settings, root: Path
) -> None:
    put(root / "a.bin", bytes(200))
    look(store, watched)
    for path in (root / "failed").iterdir():
        path.rename(root / path.name)
    (batch,) = look(store, watched)
    assert batch.source == "a.bin"
    assert batch.error
    assert inside(root) == ["a.bin.report.json", "failed/a.bin", "failed/a.bin.report.json"]


def test_files_are_loaded_oldest_first_and_subfolders_too(
    store: Store, watched: Settings, root: Path
) -> None:
    put(root / "new.ndjson", age_s=40)
    put(root / "sub/deep/old.ndjson", age_s=900)
    put(root / "middle.ndjson", age_s=100)
    put(root / "sub/done/mine.ndjson", age_s=50)
    assert [batch.source for batch in look(store, watched)] == [
        "sub/deep/old.ndjson",
        "middle.ndjson",
        "sub/done/mine.ndjson",
        "new.ndjson",
    ]
    assert (root / "done/old.ndjson").exists()
    assert (root / "sub/deep").is_dir()


@pytest.mark.parametrize(
    "name",
    [
        *(".hidden", ".hidden/a.ndjson", "a.part", "a.TMP", "a.crdownload", "a.ndjson~"),
        *("a.partial", "a.csv.filepart", "a.ndjson._COPYING_", ".a.ndjson.Ab3dE9", "a.Download"),
        *("a.ndjson.6eF1Ce95", "a.12345678", "a.20261399"),
        *("done/a.ndjson", "failed/a.ndjson", "a.ndjson.report.json"),
        "bucket/dummy-object.txt",
    ],
)
def test_temporary_and_hidden_files_are_skipped(watched: Settings, root: Path, name: str) -> None:
    put(root / name)
    assert waiting(watched) == []


def test_a_growing_file_waits_until_it_stops_changing(
    store: Store, watched: Settings, root: Path
) -> None:
    path = put(root / "a.ndjson", 1, age_s=0)
    assert look(store, watched) == []
    put(path, 2, age_s=28)
    assert look(store, watched) == []
    put(path, 3, age_s=31)
    assert [batch.kept for batch in look(store, watched)] == [3]


@pytest.mark.parametrize(("quiet_s", "names"), [(0, ["a.ndjson"]), (5, ["a.ndjson"]), (9, [])])
def test_the_quiet_period_is_configurable(
    settings: Settings, root: Path, quiet_s: float, names: list[str]
) -> None:
    put(root / "a.ndjson", age_s=7)
    given = FolderSettings(path=root, quiet_seconds=quiet_s)
    found = waiting(settings.model_copy(update={"folder": given}))
    assert [arrived.key for arrived in found] == names


@pytest.mark.parametrize(
    "name", ["a.ndjson.20261127", "a.0123abc", "a.ndjson.012345678", "abcd1234"]
)
def test_names_similar_to_temporary_files_are_loaded(
    watched: Settings, root: Path, name: str
) -> None:
    put(root / name)
    assert [arrived.key for arrived in waiting(watched)] == [name]


def grow(path: Path, data: bytes, age_s: float = 31) -> None:
    """Append *data* to *path*, as whoever had it open, *age_s* seconds ago."""
    with path.open("ab") as file:
        file.write(data)
    then = time.time() - age_s
    os.utime(path, (then, then))


@pytest.mark.parametrize("header", [b"", b"\n\n"])
@pytest.mark.parametrize("cut", [0, 1, 40])
def test_data_appended_to_a_processed_file_is_loaded(
    store: Store, watched: Settings, root: Path, header: bytes, cut: int
) -> None:
    whole = header + ndjson([forwarded(n) for n in range(9)]) + b"\n"
    lines = whole.splitlines(keepends=True)
    half = len(b"".join(lines[: len(lines) - 5])) - cut
    put(root / "a.ndjson", whole[:half])
    (first,) = look(store, watched)
    path = root / "done/a.ndjson"
    assert look(store, watched) == []
    grow(path, whole[half:], age_s=3)
    assert look(store, watched) == []  # not quiet yet
    grow(path, b"")
    (second,) = look(store, watched)
    assert (second.source, first.read + second.read) == ("done/a.ndjson", 9 + bool(cut))
    assert len(rows(store)) == 9
    assert look(store, watched) == []
    assert inside(root) == ["done/a.ndjson", "done/a.ndjson.report.json"]
    total = report(root / "done", "a.ndjson")
    assert (total["kept"], total["bytes"]) == (9, len(whole))
    grow(path, ndjson([forwarded(10)]) + b"\n")
    (third,) = look(store, watched)
    assert (third.read, third.kept) == (1, 1)


def test_rows_appended_to_a_processed_table_use_its_header(
    store: Store, watched: Settings, root: Path
) -> None:
    row = "e{0},2026-01-01T00:00:0{0}Z,Source Created,users/u\n".format
    put(root / "a.csv", ("id,time,type,actor\n" + row(1) + row(2)).encode())
    look(store, watched)
    grow(root / "done/a.csv", (row(3) + "e4,x\n").encode())
    (batch,) = look(store, watched)
    assert (batch.read, batch.kept, batch.quarantined) == (2, 1, 1)


def test_a_failed_file_that_becomes_complete_is_processed(
    store: Store, watched: Settings, root: Path
) -> None:
    data = gz(ndjson([forwarded(n) for n in range(50)]))
    put(root / "a.ndjson.gz", data[:-9])
    (first,) = look(store, watched)
    assert (bool(first.error), (root / "failed/a.ndjson.gz").exists()) == (True, True)
    grow(root / "failed/a.ndjson.gz", data[-9:])
    (second,) = look(store, watched)
    assert second.error == ""
    assert inside(root) == ["done/a.ndjson.gz", "done/a.ndjson.gz.report.json"]
    assert len(rows(store)) == 50


@pytest.mark.parametrize("damage", [b"", b"[]", b"{", b'{"bytes": "x"}', b'{"read": 1}'])
def test_a_damaged_report_does_not_stop_the_folder(
    store: Store, watched: Settings, root: Path, damage: bytes
) -> None:
    put(root / "a.ndjson", 1)
    look(store, watched)
    put(root / "done/a.ndjson.report.json", damage, age_s=600)
    grow(root / "done/a.ndjson", ndjson([forwarded(5)]))
    put(root / "b.ndjson", ndjson([forwarded(7)]))
    assert [batch.source for batch in look(store, watched)] == ["b.ndjson"]


def test_a_file_that_grows_between_two_checks_waits(
    watched: Settings, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(root / "a.ndjson", 1)
    about = path.stat()

    def written_meanwhile(_: float) -> None:
        with path.open("ab") as file:
            file.write(b"{")
        os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))

    monkeypatch.setattr(time, "sleep", written_meanwhile)
    assert waiting(watched) == []


def test_a_file_that_changes_during_its_load_is_loaded_again(
    store: Store, watched: Settings, root: Path
) -> None:
    path = put(root / "a.ndjson", 1)
    list(load_drop(store, watched, LOADER, lambda *_: put(path, 2, 30) and None))
    assert inside(root) == ["a.ndjson"]
    (batch,) = look(store, watched)
    assert (batch.kept, batch.duplicates) == (1, 1)
    assert (root / "done/a.ndjson").exists()


def test_a_file_with_a_future_time_is_loaded_after_the_quiet_period(
    watched: Settings, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    path = put(root / "a.ndjson", age_s=-86_400)
    assert waiting(watched) == []
    now += 20
    put(path, 2, age_s=-86_400)
    assert waiting(watched) == []
    now += 29
    assert waiting(watched) == []
    now += 1
    assert [arrived.key for arrived in waiting(watched)] == ["a.ndjson"]


def test_links_and_special_files_are_not_read(
    watched: Settings, root: Path, tmp_path: Path
) -> None:
    outside = put(tmp_path / "outside/secret.ndjson").parent
    (root / "passwd").symlink_to("/etc/passwd")
    (root / "folder").symlink_to(outside, target_is_directory=True)
    (root / "self").symlink_to(root, target_is_directory=True)
    (root / "broken").symlink_to(root / "nowhere")
    os.mkfifo(root / "pipe")
    assert waiting(watched) == []


def test_a_file_that_becomes_a_link_is_not_read(
    watched: Settings, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(root / "a.ndjson")

    def swap(_: float) -> None:
        path.unlink()
        path.symlink_to("/etc/passwd")

    monkeypatch.setattr(time, "sleep", swap)
    assert waiting(watched) == []


def test_a_file_that_cannot_be_moved_is_loaded_once(
    store: Store, watched: Settings, root: Path
) -> None:
    (root / "done").symlink_to(root / "nowhere")
    put(root / "a.ndjson")
    assert [batch.kept for batch in look(store, watched)] == [1]
    assert (root / "a.ndjson").exists()
    assert look(store, watched) == []


def test_a_file_name_that_is_not_utf_8_is_loaded(
    store: Store, watched: Settings, root: Path
) -> None:
    path = root / os.fsdecode(b"caf\xe9.ndjson")
    put(path)
    put(root / os.fsdecode(b"caf\xe9.csv"), b"id,timestamp,type\ne1,2026-01-05T10:00:00Z,x\n", 50)
    put(root / os.fsdecode(b"caf\xe9.bin"), bytes(200), 40)
    sources = [(batch.source, batch.kept) for batch in look(store, watched)]
    assert sources == [("caf\\xe9.ndjson", 1), ("caf\\xe9.csv", 1), ("caf\\xe9.bin", 0)]
    assert not path.exists()


def test_a_file_name_too_long_for_its_report_is_loaded(
    store: Store, watched: Settings, root: Path
) -> None:
    put(root / ("a" * 250))
    assert [batch.kept for batch in look(store, watched)] == [1]
    assert inside(root) == ["done/" + "a" * 250]


def test_a_path_to_a_file_is_an_error(settings: Settings, root: Path) -> None:
    put(root)
    with pytest.raises(InputError, match=r"^folder\.path is a file\. Set"):
        waiting(watching(settings, root))
    with pytest.raises(InputError):
        waiting(watching(settings, root / "sub"))


def test_a_folder_that_cannot_be_created_is_an_error(
    settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(root))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(
        UnavailableError, match=r"cannot be created: Permission denied\. Grant"
    ) as message:
        waiting(watching(settings, root))
    assert str(root) not in str(message.value)


@pytest.mark.parametrize("closed", ["", "sub"])
def test_a_folder_that_cannot_be_read_is_an_error(
    store: Store, watched: Settings, root: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    put(root / "sub/a.ndjson")
    put(root / "b.ndjson")
    scandir = os.scandir

    def refuse(path: Path) -> Any:
        if Path(path) == root / closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    words = (
        r"Subfolder sub of the watched folder cannot be read\."
        if closed
        else r"read: Permission denied\."
    )
    with monkeypatch.context() as patched, pytest.raises(UnavailableError, match=words) as message:
        patched.setattr(os, "scandir", refuse)
        look(store, watched)
    assert str(root) not in str(message.value)
    assert len(rows(store)) == (1 if closed else 0)  # what can be read is read first
