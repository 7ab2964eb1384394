"""Refused restores change nothing and state the reason."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.trail.backup.conftest import state
from trail.accounts.users import Users
from trail.backup import making, places, restoring
from trail.backup.making import Backup
from trail.core import server_link
from trail.core.errors import InputError, UnavailableError
from trail.core.sections import Auth
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.runtime import startup
from trail.storage import schema


@dataclass(frozen=True)
class Given:
    """A small trail, a backup of it, and a folder for bad ones; no test changes the trail."""

    settings: Settings
    made: Backup
    folder: Path


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    settings = Settings(
        store=StoreSettings(path=home / "trail.duckdb", archive_path=home / "archive"),
        auth=Auth(users_path=home / "users.yaml"),
    )
    store = startup.open_real(settings)
    try:
        Users(settings.auth.users_path).add("maya", "Maya", "", "owner", "correct-horse-9")
        made = making.make(store, settings, folder / "copy.tar.zst")
    finally:
        store.close()
    return Given(settings, made, folder)


def assert_refused(given: Given, path: Path, words: str, *, replace: bool = True) -> None:
    """Assert that a restore is refused and changes nothing."""
    before = state(given.settings.store.path.parent)
    with pytest.raises((InputError, UnavailableError), match=words):
        restoring.restore(path, given.settings, into=None, replace=replace, made_by="test")
    assert state(given.settings.store.path.parent) == before


def test_a_running_server_is_refused(given: Given) -> None:
    server_link.publish(given.settings, 1)
    try:
        assert_refused(given, given.made.path, "The server is running")
    finally:
        server_link.withdraw(given.settings)


def test_an_existing_trail_is_not_overwritten(given: Given) -> None:
    assert_refused(given, given.made.path, "A trail already exists: trail.duckdb", replace=False)


def test_a_database_in_use_is_refused(given: Given) -> None:
    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(given.settings.store.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdin and other.stdout
        assert other.stdout.readline() == b"1\n"
        assert_refused(given, given.made.path, "Another process uses the database")
        other.stdin.close()


def test_truncated_and_modified_backups_are_refused(given: Given) -> None:
    made = given.made
    whole = made.path.read_bytes()
    bad = given.folder / "bad.tar.zst"
    for part in range(1, 12):
        bad.write_bytes(whole[: len(whole) * part // 12])
        assert_refused(given, bad, "damaged, truncated, or not a backup")
        at = len(whole) * part // 12
        bad.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert_refused(given, bad, "damaged, truncated, or not a backup")
    for data in (b"", b"hello", whole[:-1], whole + b"x", b"\x28\xb5\x2f\xfd"):
        bad.write_bytes(data)
        assert_refused(given, bad, "damaged, truncated, or not a backup")
    assert_refused(given, given.folder / "none", "does not exist")


def write_backup(path: Path, manifest: dict[str, Any] | bytes, *entries: tuple[Any, bytes]) -> Path:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        first = tarfile.TarInfo("manifest.json")
        first.size = len(text)
        tar.addfile(first, io.BytesIO(text))
        for entry, data in entries:
            tar.addfile(entry, io.BytesIO(data))
    path.write_bytes(zstandard.compress(packed.getvalue()))
    return path


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../escaped",
            "/escaped-from-a-backup",
            "access/../../escaped.json",
            "access/x/../y.json",
        ),
        *("intake/..", "access\\..\\x.json", "archive/day=2026-01-01/../../part-1.parquet"),
        *("archive/day=../part-1.parquet/x", "evil.sh", "trail.duckdb.wal", "access/\x00.json"),
        *("secrets.toml", "./users.yaml", "users.yaml/", "seals-before/../x", "access/"),
    ],
)
def test_unexpected_entry_name_is_refused(given: Given, name: str) -> None:
    data = b"escaped"
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    member = {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest = given.made.manifest.to_dict()
    manifest["files"].append(member)
    path = write_backup(given.folder / "by-hand.tar.zst", manifest, (entry, data))
    assert_refused(given, path, "Unexpected file in the backup")
    assert not Path("/escaped-from-a-backup").exists()
    assert places.target(given.settings, given.folder / "t", name) is None


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"5", b"6"])  # links, devices, folders
def test_entries_that_are_not_regular_files_are_refused(given: Given, kind: bytes) -> None:
    entry = tarfile.TarInfo("users.yaml")
    entry.type, entry.linkname = kind, "../../etc/passwd"
    manifest = given.made.manifest.to_dict()
    manifest["files"] = [
        {"name": places.DATABASE, "bytes": 0, "sha256": ""},
        {"name": "users.yaml", "bytes": 0, "sha256": ""},
    ]
    path = write_backup(given.folder / "by-hand.tar.zst", manifest, (entry, b""))
    assert_refused(given, path, "Unexpected file in the backup")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": schema.NEWEST + 1}, "this release supports versions up to"),
        ({"format": 2}, "This backup was made by a newer release"),
        ({"product": "another"}, "damaged, truncated, or not a backup"),
        ({"files": []}, "contains no database"),
        ({"files": "none"}, "damaged, truncated, or not a backup"),
        ({"more": 1}, "damaged, truncated, or not a backup"),
        ({"secrets": ["\x1b[2J"]}, "damaged, truncated, or not a backup"),
        *(
            ({name: value}, "damaged, truncated, or not a backup")
            for name, value in (
                *(
                    ("made_at", "yesterday"),
                    ("made_at", 5),
                    ("made_at", "0001-01-01T00:00:00+14:00"),
                ),
                *(("schema", "5"), ("schema", None), ("schema", 2**70), ("schema", -1)),
                *(("format", "1"), ("format", None), ("events", 1.5), ("events", float("nan"))),
                *(("seals", True), ("files", [[]]), ("files", {}), ("files", [{"name": "x"}])),
                *(("newest_event", 7), ("left_out", {"a": 1}), ("secrets", "x"), ("duckdb", [])),
                ("files", [{"name": "\ud800", "bytes": 1, "sha256": ""}]),
                ("files", [{"name": "trail.duckdb", "bytes": -1, "sha256": ""}]),
                ("files", [{"name": "trail.duckdb", "bytes": 1, "sha256": None}]),
            )
        ),
        (
            {"files": [{"name": "trail.duckdb", "bytes": 100 << 20, "sha256": ""}]},
            "more than 1,000 times its size",
        ),
        (
            {"files": [{"name": "trail.duckdb", "bytes": 10**18, "sha256": ""}]},
            "bytes of disk space",
        ),
    ],
)
def test_an_unsuitable_manifest_is_refused(
    given: Given, change: dict[str, Any], words: str
) -> None:
    manifest = {**given.made.manifest.to_dict(), **change}
    assert_refused(given, write_backup(given.folder / "x.tar.zst", manifest), words)


def _tar(*parts: tuple[bytes, int, bytes]) -> Iterator[bytes]:
    """Yield a tar of entries (type, stated size, block that is repeated to that size)."""
    for kind, size, block in parts:
        entry = tarfile.TarInfo("manifest.json")
        entry.type, entry.size = kind, size
        yield entry.tobuf(tarfile.GNU_FORMAT)
        for at in range(0, size, len(block)):
            yield block[: size - at]


MIB = b" " * (1 << 20)
# A small file that demands a gigabyte: an extended header, a long name, the manifest, what follows.
BOMBS = {
    "extended header": _tar((b"x", 1 << 30, MIB)),
    "long name": _tar((b"L", 1 << 30, MIB)),
    "manifest": _tar((b"0", 1 << 30, MIB)),
    "deep manifest": _tar((b"0", 4 << 20, b"[" * (1 << 20))),
    "lists in the manifest": _tar((b"0", 6 << 20, b"[],[" * 1024)),
    "many headers": _tar(*[(b"x", 512, b" " * 512)] * 20_000),
    "nothing but zeros": iter([bytes(1 << 20)] * 1000),
}
_LIMITED = """
import resource, sys
from pathlib import Path
from trail.backup import bundle
from trail.core.errors import InputError
memory = 500 << 20
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
for name in sys.argv[1:]:
    try:
        bundle.unpack(Path(name), lambda name: None, lambda manifest: None)
        print("accepted")
    except InputError as error:
        print(error.message)
"""


def test_bombs_are_refused_within_limited_memory(tmp_path: Path) -> None:
    paths = []
    for name, chunks in BOMBS.items():
        path = tmp_path / f"{name}.tar.zst"
        with path.open("wb") as file, zstandard.ZstdCompressor().stream_writer(file) as out:
            for chunk in chunks:
                out.write(chunk)
        assert path.stat().st_size < 1 << 20
        paths.append(path)
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, *map(str, paths)],
        capture_output=True,
        check=False,
        text=True,
    )
    refused = [
        f"{path.name} is damaged, truncated, or not a backup of this product." for path in paths
    ]
    assert done.stdout.splitlines() == refused, done.stderr


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b"9" * 5000])
def test_a_manifest_that_is_no_object_is_refused(given: Given, text: bytes) -> None:
    path = write_backup(given.folder / "no-object.tar.zst", text)
    assert_refused(given, path, "damaged, truncated, or not a backup")
