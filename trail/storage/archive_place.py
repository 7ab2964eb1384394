"""Where the files of the archive are: a folder, or a bucket (`archive_bucket`).

Files are named below it, as `cold_parts` lists them: `day=YYYY-MM-DD/part-….parquet`.
"""

import contextlib
import datetime as dt
import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from trail.core import atomic_file
from trail.core.settings import Settings
from trail.storage import archive_bucket, cold_files
from trail.storage.connection import Cursor
from trail.storage.search_pattern import quoted

T = TypeVar("T")
U = TypeVar("U")

_PREFIX = "day="
# Starts with a dot, so that neither the loader nor `parts` reads an incomplete file.
_UNFINISHED = ".unfinished-"
# How often files that could not be read are looked at.
AGAIN_S = 1.0


class Place(Protocol):
    """The files of an archive. Methods raise `OSError`, or `TrailError` for a service."""

    # Its address, without secrets, and what `at` finds it by.
    @property
    def url(self) -> str: ...
    @property
    def key(self) -> str: ...

    # Differs once other files can be read, although none was written.
    @property
    def state(self) -> int: ...

    def problem(self) -> str:
        """Return why none of the files can be read now, as sentences, or ""."""

    def is_there(self) -> bool:
        """Return whether a file that is missing is missing indeed."""

    def is_readable(self, file: str, size: int | None, *, keyed: bool) -> bool:
        """Return whether *file*, a part that had *size* bytes, can be read as a part.

        Without a size the file is opened for it; one of this size is not.
        """

    def doubt(self, reason: str) -> None:
        """Look again what can be read: a query has failed, with this *reason*."""

    def scan(self, cursor: Cursor, name: str, files: Sequence[str], *, keyed: bool) -> str:
        """Return the table expression of *files* for *cursor*, which may be called *name* there."""

    def known(self, cursor: Cursor, name: str, files: Sequence[str]) -> str:
        """Return the table expression of the event_id of *files*, as `scan` does.

        Those that cannot be read count as missing, now: what follows must not fail for them.
        """

    def files(self) -> list[str]:
        """Return the parts that are there, in order of day and name."""

    def size(self, file: str) -> int | None:
        """Return the bytes of *file*, or None if it is not there."""

    def local(self, file: str) -> contextlib.AbstractContextManager[Path]:
        """Give the path of *file*, or of a copy for as long."""

    def ids(self, file: str) -> pa.Table:
        """Return the column event_id of *file*."""

    def write(self, file: str, fill: Callable[[Path], T], verify: Callable[[Path, T], U]) -> U:
        """Let *fill* write a part and *verify* read it, which is *file* then; return its result.

        *verify* has what *fill* returned. An existing file is never overwritten.
        """

    def replace_text(self, file: str, text: str) -> None:
        """Make *text* the content of *file*, whole or not at all."""

    def text(self, file: str) -> str | None:
        """Return the content of *file*, or None if it is not there."""

    def delete(self, file: str) -> None:
        """Delete *file*, if it is there, and its day once that is empty."""


def of(settings: Settings) -> Place:
    """Return the place of the archive: one object for each bucket of this process."""
    if settings.archive.url:
        return archive_bucket.shared(settings.archive)
    return Folder(settings.store.archive_path.absolute())


def at(key: str) -> Place:
    """Return the place with this `key`."""
    return archive_bucket.numbered(key) or Folder(Path(key))


class Folder:
    """An archive in a folder of this machine, which may be on a disk that is away for a while."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state, self._look_at = 0, 0.0
        # What `is_readable` was asked for when it returned False.
        self._unreadable: set[tuple[str, int | None, bool]] = set()

    @property
    def state(self) -> int:
        """Return how often files could be read again that could not be before."""
        if self._unreadable and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + AGAIN_S
            for file, size, keyed in self._unreadable.copy():
                if self.is_readable(file, size, keyed=keyed):
                    break  # all are looked at for the next view
        return self._state

    @property
    def url(self) -> str:
        """Return the address of the folder."""
        return self.path.as_uri()

    @property
    def key(self) -> str:
        """Return what `at` returns this place for."""
        return str(self.path)

    def problem(self) -> str:
        """Return "": each file is missing for itself."""
        return ""

    def is_there(self) -> bool:
        """Return whether there is a folder; it is made with the first file."""
        return self.path.is_dir()

    def is_readable(self, file: str, size: int | None, *, keyed: bool) -> bool:
        """Return whether *file* can be read as a part; see `cold_files`."""
        asked = file, size, keyed
        if not cold_files.is_readable(self.path / file, size, keyed=keyed):
            self._unreadable.add(asked)
            return False
        if asked in self._unreadable:
            self._unreadable.discard(asked)
            self._state += 1
        return True

    def doubt(self, reason: str) -> None:
        """Do nothing: files are looked at for each view."""

    def scan(self, cursor: Cursor, name: str, files: Sequence[str], *, keyed: bool) -> str:
        """Return the table function that reads *files*, whose columns may differ if not *keyed*."""
        return scan([self.path / file for file in files], keyed=keyed)

    def known(self, cursor: Cursor, name: str, files: Sequence[str]) -> str:
        """Return the table function that reads *files*: one of the right size is not missing."""
        return scan([self.path / file for file in files], keyed=True)

    def files(self) -> list[str]:
        """Return the parts; a folder or pipe of such a name, or an unprintable one, is none."""
        return [
            f"{path.parent.name}/{path.name}"
            for path in sorted(self.path.glob(f"{_PREFIX}*/part-*.parquet"))
            if path.is_file() and path.name.isprintable() and day_of(path.parent.name)
        ]

    def size(self, file: str) -> int | None:
        """Return the bytes of *file*, or None."""
        try:
            return (self.path / file).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    @contextlib.contextmanager
    def local(self, file: str) -> Iterator[Path]:
        """Give the path of *file*."""
        yield self.path / file

    def ids(self, file: str) -> pa.Table:
        """Return the column event_id of *file*."""
        path = self.path / file
        if not path.is_file():  # a pipe is never read to its end
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return pq.read_table(path, columns=["event_id"])

    def write(self, file: str, fill: Callable[[Path], T], verify: Callable[[Path, T], U]) -> U:
        """Let *fill* write a part beside *file*, and *verify* read it; then rename it."""
        target = self.path / file
        folder = target.parent
        folder.mkdir(parents=True, exist_ok=True)
        for remains in folder.glob(f"{_UNFINISHED}*"):
            remains.unlink()  # left by a killed process
        part = folder / f"{_UNFINISHED}{target.name}"
        try:
            filled = fill(part)
            with part.open("r+b") as written:
                os.fsync(written.fileno())
            result = verify(part, filled)
            part.rename(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        atomic_file.sync_folder(folder)
        atomic_file.sync_folder(self.path)
        return result

    def replace_text(self, file: str, text: str) -> None:
        """Replace the content of *file*, which others may read as they may the parts."""
        atomic_file.replace(self.path / file, text, mode=0o644)

    def text(self, file: str) -> str | None:
        """Return the content of *file*, or None."""
        path = self.path / file
        try:
            if path.exists() and not path.is_file():  # a pipe is never read to its end
                return None
            return path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def delete(self, file: str) -> None:
        """Delete *file*, and its folder once that is empty."""
        (self.path / file).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty, or gone
            (self.path / file).parent.rmdir()


def day_of(file: str) -> dt.date | None:
    """Return the day of the part *file*, or None if the name has none."""
    try:
        return dt.date.fromisoformat(file.partition("/")[0].removeprefix(_PREFIX))
    except ValueError:
        return None


def name(day: dt.date, file: str) -> str:
    """Return the name below the archive of *file*, which is of *day*."""
    return f"{_PREFIX}{day.isoformat()}/{file}"


def scan(paths: Sequence[Path], *, keyed: bool) -> str:
    """Return the table function that reads the Parquet files *paths*.

    Those that are not *keyed* may have different columns.
    """
    listed = ", ".join(quoted(_literal_glob(str(path))) for path in paths)
    by_name = "" if keyed else "union_by_name = true, "
    return f"read_parquet([{listed}], {by_name}hive_partitioning = false)"


def _literal_glob(path: str) -> str:
    """Return the pattern that matches *path* alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)
