"""The file format of a backup: a tar compressed with Zstandard whose first entry is the manifest.

`tar --zstd -xf FILE` unpacks it without this program. Reading trusts nothing: every entry must be a
regular file with a known name and the size and SHA-256 stated in `manifest.json`. No header and no
manifest is unpacked beyond its limit, and no file beyond its stated size.
"""

import contextlib
import datetime as dt
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Annotated, Any

import zstandard
from pydantic import Field, TypeAdapter

from trail.core.errors import InputError

FORMAT = 1
PRODUCT = "segment-audit-trail"
MANIFEST = "manifest.json"
SUFFIX = ".tar.zst"

_MAX_MANIFEST_BYTES = 8 * 1024 * 1024
# A header with its extensions, padding, and what tarfile reads ahead.
_MAX_HEADER_BYTES = 64 * 1024
# A backup that unpacks to more than `_FREE_BYTES` may be at most this many times its size.
_FREE_BYTES = 64 * 1024 * 1024
_MAX_RATIO = 1000
_BLOCK = 1024 * 1024
_LEVEL = 3
# Compressed input per step; decompression expands it at most to 33 MB (128 KiB for 4 bytes).
_COMPRESSED_BLOCK = 1024


_Count = Annotated[int, Field(ge=0, le=2**63 - 1)]


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup."""

    name: str
    bytes: _Count
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
    schema: _Count
    events: _Count
    batches: _Count
    seals: _Count
    newest_event: str | None
    secrets: list[str]
    left_out: dict[str, str]
    files: list[Member] = field(default_factory=list)
    format: int = FORMAT
    product: str = PRODUCT

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @property
    def made(self) -> dt.datetime:
        """Return `made_at` in UTC, without zone; raises `ValueError`."""
        return dt.datetime.fromisoformat(self.made_at.removesuffix("Z")).replace(tzinfo=None)


_TYPED = TypeAdapter(Manifest)


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
                manifest = _manifest(tar, stream)
                accept(manifest)
                _refuse_bomb(manifest, path.stat().st_size)
                _members(tar, stream, manifest, place)
            stream.finish()
    except FileNotFoundError:
        raise InputError(f"Backup {path.name} does not exist.", "Check the path.") from None
    except (tarfile.TarError, zstandard.ZstdError, EOFError, RecursionError) as error:
        raise InputError(
            f"{path.name} is damaged, truncated, or not a backup of this product.",
            "Nothing was restored. Use another backup.",
        ) from error
    return manifest


def _refuse_bomb(manifest: Manifest, packed: int) -> None:
    size = sum(member.bytes for member in manifest.files)
    if size > max(_FREE_BYTES, _MAX_RATIO * packed):
        raise InputError(
            f"The backup unpacks to more than {_MAX_RATIO:,} times its size.",
            "Nothing was restored. Use another backup.",
        )


class _Decompressed(io.RawIOBase):
    """Reads a Zstandard file, at most as much as is allowed, and detects whether it is complete."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
        self._ready = memoryview(b"")
        self._allowed = _MAX_HEADER_BYTES

    def readable(self) -> bool:
        return True

    def allow(self, size: int) -> None:
        """Allow *size* bytes more, from now on, than a header may have."""
        self._allowed = size + _MAX_HEADER_BYTES

    def read(self, size: int = -1) -> bytes:
        while not self._ready and not self._decompressor.eof:
            block = self._file.read(_COMPRESSED_BLOCK)
            if not block:
                raise EOFError
            self._ready = memoryview(self._decompressor.decompress(block))
        data = bytes(self._ready[:size] if size >= 0 else self._ready)
        self._ready = self._ready[len(data) :]
        self._allowed -= len(data)
        if self._allowed < 0:
            raise tarfile.ReadError("more data than stated")
        return data

    def finish(self) -> None:
        """Read the rest; raises `EOFError` if the file is truncated or has trailing data."""
        self.allow(0)
        while self.read(_BLOCK):
            pass
        if self._decompressor.unused_data or self._file.read(1):
            raise EOFError


def _manifest(tar: tarfile.TarFile, stream: _Decompressed) -> Manifest:
    entry = tar.next()
    if entry is None or entry.name != MANIFEST or not entry.isreg():
        raise tarfile.ReadError("no manifest")
    if entry.size > _MAX_MANIFEST_BYTES:
        raise tarfile.ReadError("manifest too large")
    stream.allow(entry.size)
    file = tar.extractfile(entry)
    assert file
    try:
        data = file.read()
        fields = json.loads(data)
        if fields["product"] != PRODUCT:
            raise tarfile.ReadError("backup of another product")
        if fields["format"] > FORMAT:
            raise InputError(
                "This backup was made by a newer release.", "Restore it with that release."
            )
        manifest = _TYPED.validate_json(data, strict=True)
        if not 2000 <= manifest.made.year < 9000 or set(fields) != set(manifest.to_dict()):
            raise ValueError("unknown fields, or an impossible time")
        _check(manifest)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise tarfile.ReadError("invalid manifest") from error
    return manifest


def _check(manifest: Manifest) -> None:
    """Raise `ValueError` for an invalid time, or texts with control characters."""
    if manifest.newest_event is not None:
        dt.datetime.fromisoformat(manifest.newest_event)
    if not all(text.isprintable() for text in (*manifest.secrets, manifest.made_at)):
        raise ValueError("control characters")


def _members(
    tar: tarfile.TarFile,
    stream: _Decompressed,
    manifest: Manifest,
    place: Callable[[str], Path | None],
) -> None:
    remaining = {member.name: member for member in manifest.files}
    while (entry := _next(tar, stream)) is not None:
        member = remaining.pop(entry.name, None)
        target = place(entry.name)
        if member is None or target is None or not entry.isreg():
            raise InputError(
                f"Unexpected file in the backup: {entry.name[:60]!r}.",
                "Nothing was restored. Use another backup.",
            )
        stream.allow(entry.size)
        source = tar.extractfile(entry)
        if source is None or entry.size != member.bytes or _write(source, target) != member.sha256:
            raise tarfile.ReadError("digest mismatch")
    if remaining:
        raise tarfile.ReadError("files are missing")


def _next(tar: tarfile.TarFile, stream: _Decompressed) -> tarfile.TarInfo | None:
    stream.allow(0)
    return tar.next()


def _write(source: IO[bytes], target: Path) -> str:
    """Write a new private file; return its SHA-256."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with _new_file(target) as file:
        while block := source.read(_BLOCK):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()
