"""Explain failures of the disk and the database in one sentence, instead of a stack trace."""

import errno
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import duckdb

from trail.core.errors import BusyError, InputError, TrailError, UnavailableError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)

# Phrases in DuckDB's messages, which have no codes.
_LOCKED = ("Could not set lock", "Conflicting lock", "file handle conflict", "already attached")
_NO_SPACE = ("No space left", "Disk quota exceeded", "File too large", "max_temp_directory_size")
_NO_WRITE = ("Read-only file system", "Permission denied", "Operation not permitted")
_NEWER = ("Trying to read a database file with version number",)
_DAMAGED = (
    "not a valid DuckDB database",
    "Corrupt database",
    "checksum",
    "Could not read enough bytes",
    "Failed to deserialize",
    "serialization",
    "Failure while replaying WAL",
    "Is a directory",
    "Input/output error",
    "database has been invalidated",
)
_BROKEN = duckdb.InternalException, duckdb.FatalException, duckdb.SerializationException
_RESTORE = "Restore a backup: python -m trail restore FILE --replace"

_ARCHIVE_FILE = re.compile(r"day=[0-9-]+/part-[^/'\"\n]+\.parquet")
# A registered scan of a bucket whose error names no file: see `archive_bucket`.
_ARCHIVE_SCAN = "registered as 'cold_scan_"

# The layout of a DuckDB file: three blocks of 4,096 bytes, each after a checksum of 8 bytes. The
# first has the magic bytes; the newer of the others the number and size of the data blocks.
_HEADER_BYTES, _MAGIC = 4096, b"DUCK"
_BLOCKS = struct.Struct("<8xQ8x8xQQ")
_MAX_BLOCK_BYTES = 1 << 24


def explain(error: BaseException, name: str = "") -> TrailError | None:
    """Return what *error*, or the error that it followed, means to the user, or None if unknown.

    *name* is the file name of the database.
    """
    explained = [found for item in _chain(error) if (found := _explain(item, name or "database"))]
    # What came first is the cause; a full disk also damages what follows.
    return explained[-1] if explained else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _explain(error: BaseException, name: str) -> TrailError | None:
    if isinstance(error, TrailError):
        return error
    if isinstance(error, duckdb.Error):
        return _of_database(error, name)
    if isinstance(error, OSError) and error.errno and error.strerror:
        file = Path(str(error.filename)).name if error.filename else "A file"
        if error.errno in _FULL:
            return disk_full()
        if error.errno in _READ_ONLY:
            return not_writable(file, error.strerror)
        return UnavailableError(f"{file} cannot be used: {error.strerror}.", "Check the file.")
    return None


def _of_database(error: duckdb.Error, name: str) -> TrailError | None:
    text = str(error)
    kinds: tuple[tuple[tuple[str, ...], TrailError], ...] = (
        (
            _LOCKED,
            BusyError(
                f"{name} cannot be opened: another process has it open.",
                "Stop that process, or run this command as the user who runs the server.",
            ),
        ),
        (_NO_SPACE, disk_full()),
        *(((phrase,), not_writable(name, phrase)) for phrase in _NO_WRITE),
        (
            _NEWER,
            InputError(
                f"{name} cannot be opened: a newer release wrote it.", "Install that release."
            ),
        ),
        (
            ("",) if isinstance(error, _BROKEN) else _DAMAGED,
            UnavailableError(
                f"{name} cannot be opened: it is damaged, or not a database.", _RESTORE
            ),
        ),
    )
    return next((found for phrases, found in kinds if any(item in text for item in phrases)), None)


def archive_file(error: duckdb.Error) -> UnavailableError | None:
    """Return the error for a file of the archive that *error* shows to be unreadable, or None."""
    text = str(error)
    if found := _ARCHIVE_FILE.search(text):
        return unreadable_archive_file(found.group())
    if _ARCHIVE_SCAN in text:
        return UnavailableError("The archive cannot be read.", "Try again.")
    return None


def unreadable_archive_file(file: str) -> UnavailableError:
    """Return the error for *file*, a part of the archive that cannot be read."""
    return UnavailableError(
        f"Archive file {file} cannot be read: damaged or missing.",
        "Restore it from a copy, or remove it from the archive.",
    )


def damage(error: duckdb.Error, name: str) -> UnavailableError | None:
    """Return the error for an open database *name* that *error* shows to be damaged, or None."""
    if isinstance(error, _BROKEN) or any(phrase in str(error) for phrase in _DAMAGED):
        return _damaged(name)
    return None


def file_damage(path: Path, descriptor: int) -> UnavailableError | None:
    """Return the error for a database file that is missing, replaced or truncated, or None.

    Reads the headers only, through the *descriptor* that the store keeps open: closing one would
    release the lock by which this process alone has the database (POSIX locks).
    """
    try:
        now, opened = path.stat(), os.fstat(descriptor)
        data = os.pread(descriptor, 3 * _HEADER_BYTES, 0)
    except OSError:
        return _damaged(path.name)
    if (now.st_dev, now.st_ino) != (opened.st_dev, opened.st_ino) or data[8:12] != _MAGIC:
        return _damaged(path.name)
    try:
        _, blocks, size = max(_BLOCKS.unpack_from(data, at * _HEADER_BYTES) for at in (1, 2))
    except struct.error:
        return _damaged(path.name)
    if size > _MAX_BLOCK_BYTES or now.st_size < 3 * _HEADER_BYTES + blocks * size:
        return _damaged(path.name)
    return None


def _damaged(name: str) -> UnavailableError:
    return UnavailableError(f"{name} is damaged: parts of it cannot be read.", _RESTORE)


def disk_full() -> UnavailableError:
    """Return the error for a disk without free space."""
    return UnavailableError("The disk is full.", "Free some space, then run the command again.")


def not_writable(name: str, reason: str) -> UnavailableError:
    """Return the error for the file *name*, which cannot be written because of *reason*."""
    return UnavailableError(
        f"{name} cannot be written: {reason}.",
        "Make the disk and the file writable, or choose another folder.",
    )
