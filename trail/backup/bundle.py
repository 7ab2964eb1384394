"""The file format of a backup: a tar compressed with Zstandard whose first entry is the manifest.

`tar --zstd -xf FILE` unpacks it without this program. Reading trusts nothing: every entry must be a
regular file with a known name and the size and SHA-256 stated in `manifest.json`.
"""

import contextlib
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import zstandard

from trail.core.errors import InputError

FORMAT = 1
PRODUCT = "segment-audit-trail"
MANIFEST = "manifest.json"
SUFFIX = ".tar.zst"

_MAX_MANIFEST_BYTES = 64 * 1024 * 1024
_BLOCK = 1024 * 1024
_LEVEL = 3
# Compressed input per step; decompression may expand it many thousandfold.
_COMPRESSED_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Contents of a backup. Times are ISO 8601 in UTC.

    `secrets` names the secret settings in use, which a backup omits; `left_out` the omitted files,
    with reasons.
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

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def digest(path: Path) -> Member:
    """Return size and SHA-256 of a file, without a name yet."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Member("", file.tell(), digest)


def write(path: Path, manifest: Manifest, sources: dict[str, Path]) -> None:
    """Write a new file at *path*, mode 0600, with the files of *manifest* from *sources*."""
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    with (
        _new_file(path) as file,
        compressor.stream_writer(file, closefd=False) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        text = json.dumps(manifest.to_dict(), indent=1).encode()
        tar.addfile(_entry(MANIFEST, len(text)), io.BytesIO(text))
        for member in manifest.files:
            with sources[member.name].open("rb") as source:
                tar.addfile(_entry(member.name, member.bytes), source)


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """Create *path*, readable by its owner only; it is on disk afterwards."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def unpack(
    path: Path, place: Callable[[str], Path | None], accept: Callable[[Manifest], None]
) -> Manifest:
    """Unpack *path*, each file to the path that *place* gives its name; return the manifest.

    *accept* may reject the manifest before anything is written. Raises `InputError` if the file is
    damaged, truncated or not a backup, and for a name for which *place* returns None.
    """
    try:
        with path.open("rb") as file:
            stream = _Decompressed(file)
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                manifest = _manifest(tar)
                accept(manifest)
                _members(tar, manifest, place)
            stream.finish()
    except FileNotFoundError:
        raise InputError(f"Backup {path.name} does not exist.", "Check the path.") from None
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        raise InputError(
            f"{path.name} is damaged, truncated, or not a backup of this product.",
            "Nothing was restored. Use another backup.",
        ) from error
    return manifest


class _Decompressed(io.RawIOBase):
    """Reads a Zstandard file and detects whether it is complete."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
        self._ready = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._ready and not self._decompressor.eof:
            block = self._file.read(_COMPRESSED_BLOCK)
            if not block:
                raise EOFError
            self._ready = self._decompressor.decompress(block)
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    def finish(self) -> None:
        """Read the rest; raises `EOFError` if the file is truncated or has trailing data."""
        while self.read(_BLOCK):
            pass
        if self._decompressor.unused_data or self._file.read(1):
            raise EOFError


def _manifest(tar: tarfile.TarFile) -> Manifest:
    entry = tar.next()
    if entry is None or entry.name != MANIFEST or not entry.isreg():
        raise tarfile.ReadError("no manifest")
    if entry.size > _MAX_MANIFEST_BYTES:
        raise tarfile.ReadError("manifest too large")
    file = tar.extractfile(entry)
    assert file
    try:
        fields = json.loads(file.read())
        if fields["product"] != PRODUCT:
            raise tarfile.ReadError("backup of another product")
        if fields["format"] > FORMAT:
            raise InputError(
                "This backup was made by a newer release.", "Restore it with that release."
            )
        files = [Member(**member) for member in fields.pop("files")]
        return Manifest(**fields, files=files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise tarfile.ReadError("invalid manifest") from error


def _members(tar: tarfile.TarFile, manifest: Manifest, place: Callable[[str], Path | None]) -> None:
    remaining = {member.name: member for member in manifest.files}
    while (entry := tar.next()) is not None:
        member = remaining.pop(entry.name, None)
        target = place(entry.name)
        if member is None or target is None or not entry.isreg():
            raise InputError(
                f"Unexpected file in the backup: {entry.name[:60]!r}.",
                "Nothing was restored. Use another backup.",
            )
        source = tar.extractfile(entry)
        if source is None or entry.size != member.bytes or _write(source, target) != member.sha256:
            raise tarfile.ReadError("digest mismatch")
    if remaining:
        raise tarfile.ReadError("files are missing")


def _write(source: IO[bytes], target: Path) -> str:
    """Write a new private file; return its SHA-256."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with _new_file(target) as file:
        while block := source.read(_BLOCK):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()
