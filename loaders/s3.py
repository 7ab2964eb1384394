"""An S3 bucket written by Segment's S3 destination: new objects are copied and loaded.

Every check lists all objects, so that one that arrives late in an old day is found.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from pyarrow import fs
from pydantic import Field, SecretStr

from trail.core import s3_client
from trail.core.errors import InputError
from trail.core.model import Arrived, Batch, Drop
from trail.core.s3_failures import FAILURES, code_of, to_trail_error
from trail.core.section import Section
from trail.core.settings import Settings

# Written by Segment to test its permissions; contains no events.
_NOT_DATA = "dummy-object.txt"

# Bytes per request.
_BLOCK = 8 << 20

# Maximum bytes of a file name; S3 keys may have 1,024.
_NAME_BYTES = 200

_DAY = re.compile(r"\d{13}")


class S3Settings(Section):
    """A bucket that Segment's S3 destination writes to."""

    section: ClassVar[str] = "s3"
    url: str = Field("", description="`s3://bucket/prefix`; leave empty to disable.")
    endpoint: str = Field("", description="URL of another S3-compatible service.")
    region: str = Field("", description="The bucket's region.")
    access_key: SecretStr = Field(
        SecretStr(""), description="Access key; leave empty to use the machine's role."
    )
    secret_key: SecretStr = Field(SecretStr(""), description="Secret key of the access key.")
    every_minutes: float = Field(15, gt=0, description="Minutes between two checks.")


def waiting(settings: Settings, seen: Callable[[str, str], bool]) -> Iterator[Arrived]:
    """Yield new objects below the prefix, oldest first; each file exists until the next is taken.

    Raises `InputError` for permanent failures and `UnavailableError` for transient ones. Objects
    that cannot be read are reported after the others.
    """
    given = settings.of(S3Settings)
    bucket, prefix = s3_client.place(given.url, "s3")
    try:
        system = s3_client.system(given, bucket, "s3")
        result = _listed(system, f"{bucket}/{prefix}".rstrip("/"))
    except FAILURES as error:
        raise to_trail_error(error, bucket) from None
    refused: list[tuple[str, InputError]] = []
    for info in sorted(result, key=_age):
        key, version = info.path.removeprefix(f"{bucket}/"), f"{info.size}:{info.mtime_ns}"
        if seen(key, version):
            continue
        with _temporary_folder(bucket) as folder:
            path = Path(folder, _file_name(key))
            try:
                if not _fetch(system, info, path):
                    continue
            except InputError as error:
                refused.append((key, error))
                continue
            yield Arrived(key, version, path, partial(_delete, path))
    if refused:
        key, first = refused[0]
        others = f" {len(refused) - 1:,} more failed." if len(refused) > 1 else ""
        raise InputError(f"{key}: {first.message}{others}", first.hint)


def _temporary_folder(bucket: str) -> TemporaryDirectory[str]:
    try:
        return TemporaryDirectory(prefix="trail-s3-")
    except OSError as error:
        raise to_trail_error(error, bucket) from None


def _delete(path: Path, batch: Batch) -> None:
    path.unlink(missing_ok=True)


def _listed(system: fs.S3FileSystem, folder: str) -> list[fs.FileInfo]:
    """Return the objects below *folder*."""
    try:
        file_info = system.get_file_info(fs.FileSelector(folder, recursive=True))
    except FileNotFoundError:
        return []
    return [
        info
        for info in file_info
        if info.type == fs.FileType.File and info.size and info.base_name != _NOT_DATA
    ]


def _age(info: fs.FileInfo) -> tuple[int, int, str]:
    """Return the sort key of an object: Segment's day folder (ms), then the time of writing."""
    day = info.path.rpartition("/")[0].rpartition("/")[2]
    milliseconds = int(day) if _DAY.fullmatch(day) else info.mtime_ns // 1_000_000
    return milliseconds, info.mtime_ns, info.path


def _file_name(key: str) -> str:
    """Return the last part of *key*, short enough for a file system."""
    return key.rpartition("/")[2].encode()[-_NAME_BYTES:].decode(errors="ignore")


def _fetch(system: fs.S3FileSystem, info: fs.FileInfo, path: Path) -> bool:
    """Copy the object to *path*; return False if it was deleted.

    Raises `InputError` if this object cannot be read, `UnavailableError` if none can.
    """
    bucket, _, key = info.path.partition("/")
    if not {"", ".", ".."}.isdisjoint(key.split("/")):
        # The client normalizes such parts and would read another object.
        raise InputError(
            "Unsupported key: it has an empty or dot segment.", "Copy it to another key."
        )
    try:
        written = _copy(system, info.path, path)
    except FileNotFoundError:
        return False
    except FAILURES as error:
        if code_of(error) == "nosuchkey":
            return False
        raise to_trail_error(error, bucket) from None
    if written < info.size:
        raise InputError("Download truncated.", "The next check retries.")
    return True


def _copy(system: fs.S3FileSystem, source: str, path: Path) -> int:
    written = 0
    # The loaders decompress by content and keep what precedes damage.
    with system.open_input_stream(source, compression=None) as stream, path.open("wb") as file:
        while block := stream.read(_BLOCK):
            written += file.write(block)
    return written


LOADER = Drop(
    name="s3",
    title="S3 bucket",
    rank=50,
    section=S3Settings,
    example={"url": "s3://bucket/segment-logs"},
    every_s=lambda settings: settings.of(S3Settings).every_minutes * 60,
    waiting=waiting,
)
