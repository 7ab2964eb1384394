"""The file of a backup: a tar, packed with Zstandard, whose first entry says what the others are.

Separate because it is a format. `tar --zstd -xf FILE` opens it without us. Reading trusts nothing:
names must be known ones, each a plain file of the size and SHA-256 that `manifest.json` gives.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import zstandard

from trail.errors import InputError

FORMAT = 1
PRODUCT = "segment-audit-trail"
MANIFEST = "manifest.json"
ENDING = ".tar.zst"

_LONGEST_MANIFEST = 64 * 1024 * 1024
_BLOCK = 1024 * 1024
_LEVEL = 3
# What is packed may grow many thousandfold: a little of it at a time.
_SMALL = 4096


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. Times are ISO 8601 in UTC.

    `secrets` names settings that were in force and are not in it, `left_out` files, and why.
    """

    made_at: str
    version: str
    duckdb: str
    schema: int
    events: int
    batches: int
    seals: int
    newest_event: str | None
    secrets: list[str]
    left_out: dict[str, str]
    files: list[Member] = field(default_factory=list)
    format: int = FORMAT
    product: str = PRODUCT

    def said(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)


def digest(path: Path) -> Member:
    """Return size and SHA-256 of a file, without a name yet."""
    size, found = 0, hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            size += len(block)
            found.update(block)
    return Member("", size, found.hexdigest())


def write(path: Path, manifest: Manifest, sources: dict[str, Path]) -> None:
    """Write a new file at *path*, mode 0600, with the files of *manifest* from *sources*."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
    packer = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        with (
            packer.stream_writer(file, closefd=False) as packed,
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            text = json.dumps(manifest.said(), indent=1).encode()
            tar.addfile(_entry(MANIFEST, len(text)), io.BytesIO(text))
            for member in manifest.files:
                with sources[member.name].open("rb") as source:
                    tar.addfile(_entry(member.name, member.bytes), source)
        file.flush()
        os.fsync(file.fileno())


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def unpack(
    path: Path, place: Callable[[str], Path | None], accept: Callable[[Manifest], None]
) -> Manifest:
    """Unpack *path*, each file to where *place* puts its name; return what it says of itself.

    *accept* is asked with the manifest before anything is written. Raises `InputError` for a file
    that is damaged, cut, or no backup of ours, and for a name that *place* does not know.
    """
    try:
        with path.open("rb") as file:
            packed = _Packed(file)
            with tarfile.open(fileobj=packed, mode="r|") as tar:
                manifest = _manifest(tar)
                accept(manifest)
                _members(tar, manifest, place)
            packed.finish()
    except FileNotFoundError:
        raise InputError(f"{path.name}: there is no such file.", "Name a backup.") from None
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        raise _damaged(path) from error
    return manifest


class _Packed(io.RawIOBase):
    """Reads a Zstandard file, and knows whether it ended whole."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
        self._ready = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._ready and not self._unpacker.eof:
            block = self._file.read(_SMALL)
            if not block:
                raise EOFError
            self._ready = self._unpacker.decompress(block)
        found, self._ready = self._ready[:size], self._ready[size:]
        return found

    def finish(self) -> None:
        """Read what is left; raises `EOFError` where the file was cut or goes on."""
        while self.read(_BLOCK):
            pass
        if self._unpacker.unused_data or self._file.read(1):
            raise EOFError


def _manifest(tar: tarfile.TarFile) -> Manifest:
    entry = tar.next()
    if entry is None or entry.name != MANIFEST or not entry.isreg():
        raise tarfile.ReadError("no manifest")
    if entry.size > _LONGEST_MANIFEST:
        raise tarfile.ReadError("no manifest of ours")
    file = tar.extractfile(entry)
    assert file
    try:
        said = json.loads(file.read())
        if said["product"] != PRODUCT:
            raise tarfile.ReadError("another product's")
        if said["format"] > FORMAT:
            raise InputError(
                "A newer release has made this backup.", "Restore it with that release."
            )
        files = [Member(**each) for each in said.pop("files")]
        return Manifest(**said, files=files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise tarfile.ReadError("no manifest of ours") from error


def _members(tar: tarfile.TarFile, manifest: Manifest, place: Callable[[str], Path | None]) -> None:
    left = {member.name: member for member in manifest.files}
    while (entry := tar.next()) is not None:
        member = left.pop(entry.name, None)
        target = place(entry.name)
        if member is None or target is None or not entry.isreg():
            raise InputError(
                "This backup holds something that a backup does not hold.",
                "Nothing was restored. Use another copy.",
            )
        source = tar.extractfile(entry)
        if source is None or entry.size != member.bytes or _put(source, target) != member.sha256:
            raise tarfile.ReadError("not as it was written")
    if left:
        raise tarfile.ReadError("files are missing")


def _put(source: IO[bytes], target: Path) -> str:
    """Write a new private file; return its SHA-256."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
    found = hashlib.sha256()
    with os.fdopen(os.open(target, flags, 0o600), "wb") as file:
        while block := source.read(_BLOCK):
            found.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return found.hexdigest()


def _damaged(path: Path) -> InputError:
    return InputError(
        f"{path.name} is damaged, cut, or no backup of this product.",
        "Nothing was restored. Use another copy.",
    )
