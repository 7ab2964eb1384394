"""Explain failures of the disk and the database in one sentence, instead of a stack trace."""

import errno
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
)


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
    broken = duckdb.InternalException, duckdb.FatalException, duckdb.SerializationException
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
            ("",) if isinstance(error, broken) else _DAMAGED,
            UnavailableError(
                f"{name} cannot be opened: it is damaged, or not a database.",
                "Restore a backup: python -m trail restore FILE --replace",
            ),
        ),
    )
    return next((found for phrases, found in kinds if any(item in text for item in phrases)), None)


def disk_full() -> UnavailableError:
    """Return the error for a disk without free space."""
    return UnavailableError("The disk is full.", "Free some space, then run the command again.")


def not_writable(name: str, reason: str) -> UnavailableError:
    """Return the error for the file *name*, which cannot be written because of *reason*."""
    return UnavailableError(
        f"{name} cannot be written: {reason}.",
        "Make the disk and the file writable, or choose another folder.",
    )
