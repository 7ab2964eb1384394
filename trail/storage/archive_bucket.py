"""An archive in an S3 bucket, read in place: DuckDB scans Arrow datasets of its objects.

DuckDB's own client of S3 is an extension, which machines without network cannot install. A part of
a dataset states the times of its day, so that a query of one day makes requests for that day only,
and keeps its footer once it was read (figures: `docs/adr/0026-archive-bucket.md`).

What is there is listed once in a while. While the service cannot be reached, one reader waits for
it once in a while, and all others go on without the archive at once.
"""

import contextlib
import datetime as dt
import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from trail.core import s3_client
from trail.core.errors import SettingError, TrailError, UnavailableError
from trail.core.s3_failures import FAILURES, to_trail_error
from trail.core.sections import Archive
from trail.storage import cold_files
from trail.storage.connection import Cursor

# How long a listing is used, and how long its failure.
FRESH_S, FAILED_S = 60.0, 15.0
# One attempt: whoever waits for it is shown a page without the archive instead.
_TRIES = 1
_BLOCK = 8 << 20
# Columns of one file that are closer are fetched with one request.
_FORMAT = ds.ParquetFileFormat(
    default_fragment_scan_options=ds.ParquetFragmentScanOptions(
        pre_buffer=True, cache_options=pa.CacheOptions(hole_size_limit=1 << 20)
    )
)
_PART = re.compile(r"day=(\d{4}-\d\d-\d\d)/part-[^/]+\.parquet")
_DAY = dt.timedelta(days=1)

T = TypeVar("T")
U = TypeVar("U")

_KEY = "bucket:"
_shared: dict[Archive, "Bucket"] = {}
_sharing = threading.Lock()


def shared(given: Archive) -> "Bucket":
    """Return the bucket that *given* names, always the same one."""
    with _sharing:
        if given not in _shared:
            _shared[given] = Bucket(given, f"{_KEY}{len(_shared)}")
        return _shared[given]


def numbered(key: str) -> "Bucket | None":
    """Return the shared bucket with this `key`, or None if it is not one of a bucket."""
    return next((bucket for bucket in _shared.copy().values() if bucket.key == key), None)


class Bucket:
    """The objects below a prefix of a bucket. Methods but `problem` raise `TrailError`."""

    def __init__(self, given: Archive, key: str) -> None:
        self._given, self.key = given, key
        self._bucket, prefix = s3_client.place(given.url, "archive")
        self.url = given.url.rstrip("/")
        self._base = f"{self._bucket}/{prefix}".rstrip("/")
        self.state = 0
        self._lock = threading.RLock()
        self._systems: dict[int, fs.S3FileSystem] = {}
        self._sizes: dict[str, int] = {}
        self._problem, self._until = "", 0.0
        # By name and whether its keys are read, with the size: footers are kept in them.
        self._fragments: dict[tuple[str, bool], tuple[int | None, ds.ParquetFileFragment]] = {}
        # Objects of the right size that are not parts.
        self._damaged: dict[str, int] = {}

    def problem(self) -> str:
        """Return why the bucket cannot be listed, as sentences without secrets, or ""."""
        self._listed()
        return self._problem

    def is_there(self) -> bool:
        """Return whether the bucket can be listed."""
        return not self.problem()

    def is_readable(self, file: str, size: int | None, *, keyed: bool) -> bool:
        """Return whether *file* is there with *size* bytes, or else can be opened as a part."""
        found = self._listed().get(file)
        if found is None or self._damaged.get(file) == found:
            return False
        return found == size or not self._schema_problem(file, keyed=keyed)

    def _schema_problem(self, file: str, *, keyed: bool) -> str:
        try:
            with self._system().open_input_file(f"{self._base}/{file}") as opened:
                return cold_files.schema_problem(opened, keyed=keyed)
        except FAILURES:
            return "not a Parquet file"

    def doubt(self, reason: str) -> None:
        """List again, and open the object that *reason* names."""
        with self._lock:
            self._until = 0.0
        found = _PART.search(reason)
        file = found.group() if found else ""
        size = self._listed().get(file)
        if size is None:
            return
        # A copy: an object that cannot be fetched just now is not damaged.
        with contextlib.suppress(TrailError), self.local(file) as path:
            if cold_files.schema_problem(path, keyed=False):
                with self._lock:
                    self._damaged[file] = size
                    self.state += 1

    def scan(self, cursor: Cursor, name: str, files: Sequence[str], *, keyed: bool) -> str:
        """Register *files* as the table *name* of *cursor*."""
        cursor.register(name, self._dataset(files, keyed=keyed))
        return name

    def known(self, cursor: Cursor, name: str, files: Sequence[str]) -> str:
        """Register the ids of *files* as the table *name* of *cursor*; none if one fails."""
        dataset = self._dataset(files, keyed=False)
        try:
            ids = dataset.to_table(columns=["event_id"])
        except FAILURES as error:
            self.doubt(str(error))
            ids = dataset.schema.empty_table().select(["event_id"])
        cursor.register(name, ids)
        return name

    def _dataset(self, files: Sequence[str], *, keyed: bool) -> ds.FileSystemDataset:
        schema = cold_files.KEYED_SCHEMA if keyed else cold_files.SCHEMA
        parts = [self._fragment(file, keyed=keyed) for file in files]
        return ds.FileSystemDataset(parts, schema, _FORMAT, self._system())

    def _fragment(self, file: str, *, keyed: bool) -> ds.ParquetFileFragment:
        size = self._listed().get(file)
        known = self._fragments.get((file, keyed))
        if known and known[0] == size:
            return known[1]
        made = _FORMAT.make_fragment(
            f"{self._base}/{file}", self._system(), _times(file) if keyed else None, file_size=size
        )
        self._fragments[file, keyed] = size, made
        return made

    def files(self) -> list[str]:
        """Return the parts that are there. Raises `UnavailableError` if they cannot be listed."""
        return sorted(file for file in self._reached() if _PART.fullmatch(file) and _is_day(file))

    def size(self, file: str) -> int | None:
        """Return the bytes of *file*, or None if it is not there."""
        return self._reached().get(file)

    @contextlib.contextmanager
    def local(self, file: str) -> Iterator[Path]:
        """Give a copy of *file*."""
        with TemporaryDirectory(prefix="trail-archive-") as folder:
            path = Path(folder, Path(file).name)
            with self._asked(), contextlib.suppress(FileNotFoundError):
                self._fetch(file, path)
            if not path.exists():
                # As a file that is not in a folder, unless the whole bucket is gone.
                with self._lock:
                    self._until = 0.0
                self._reached()
            yield path

    def _fetch(self, file: str, path: Path) -> None:
        source = self._system().open_input_stream(f"{self._base}/{file}", compression=None)
        with source, path.open("wb") as target:
            while block := source.read(_BLOCK):
                target.write(block)

    def ids(self, file: str) -> pa.Table:
        """Return the column event_id of *file*."""
        with self._asked(), self._system().open_input_file(f"{self._base}/{file}") as opened:
            return pq.read_table(opened, columns=["event_id"])

    def write(self, file: str, fill: Callable[[Path], T], verify: Callable[[Path, T], U]) -> U:
        """Let *fill* write and *verify* read a part here, store it, read it back and compare."""
        self._reached()
        with TemporaryDirectory(prefix="trail-archive-") as folder:
            path, back = Path(folder, "part.parquet"), Path(folder, "back.parquet")
            result = verify(path, fill(path))
            with self._asked():
                self._store(file, path)
                self._fetch(file, back)
            if _sha256(back) != _sha256(path):
                self.delete(file)
                raise UnavailableError(
                    f"Archive file {file} differs from what was written.",
                    "The next run writes it again.",
                )
            self._noted(file, path.stat().st_size)
        return result

    def replace_text(self, file: str, text: str) -> None:
        """Make *text* the content of *file*."""
        self._reached()
        with TemporaryDirectory(prefix="trail-archive-") as folder:
            path = Path(folder, "text")
            path.write_text(text, encoding="utf-8")
            with self._asked():
                self._store(file, path)
            self._noted(file, path.stat().st_size)

    def _store(self, file: str, path: Path) -> None:
        # The object appears once the stream is closed, whole.
        with path.open("rb") as source:
            target = self._system().open_output_stream(f"{self._base}/{file}", compression=None)
            with target:
                while block := source.read(_BLOCK):
                    target.write(block)

    def text(self, file: str) -> str | None:
        """Return the content of *file*, or None if it is not there."""
        if self.size(file) is None:
            return None
        with self.local(file) as path:
            return path.read_text(encoding="utf-8", errors="replace") if path.exists() else None

    def delete(self, file: str) -> None:
        """Delete *file*, if it is there.

        The client marks a day that has become empty by an object without content. It stays: the
        client can only delete it with everything below it, which another process may have written
        meanwhile.
        """
        with self._asked(), contextlib.suppress(FileNotFoundError):
            self._system().delete_file(f"{self._base}/{file}")
        with self._lock:
            self._sizes = {name: size for name, size in self._sizes.items() if name != file}

    def _noted(self, file: str, size: int) -> None:
        with self._lock:
            self._sizes = {**self._sizes, file: size}

    @contextlib.contextmanager
    def _asked(self) -> Iterator[None]:
        """Convert what the client raises: its text may have more than users should see."""
        try:
            yield
        except FAILURES as error:
            raise to_trail_error(error, self._bucket, "archive") from None

    def _system(self, tries: int = s3_client.TRIES) -> fs.S3FileSystem:
        with self._lock:
            if tries not in self._systems:
                self._systems[tries] = s3_client.system(self._given, self._bucket, "archive", tries)
            return self._systems[tries]

    def _listed(self) -> dict[str, int]:
        """Return the bytes of each object; nothing while the bucket cannot be listed."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._list()
            return self._sizes

    def _reached(self) -> dict[str, int]:
        """Return the bytes of each object. Raises `UnavailableError` if they cannot be listed."""
        with self._lock:  # so that an object is not missing because the service has just gone
            found = self._listed()
            if self._problem:
                raise UnavailableError(self._problem)
            return found

    def _list(self) -> None:
        before, problem = self._sizes, ""
        try:
            found = self._objects()
        except FAILURES as error:
            found, problem = {}, str(to_trail_error(error, self._bucket, "archive"))
        except SettingError as error:
            found, problem = {}, str(error)
        if found != before:
            self.state += 1
        self._sizes, self._problem = found, problem
        self._until = time.monotonic() + (FAILED_S if problem else FRESH_S)

    def _objects(self) -> dict[str, int]:
        system = self._system(_TRIES)
        try:
            listed = system.get_file_info(fs.FileSelector(self._base, recursive=True))
        except FileNotFoundError:
            # Nothing is archived yet, unless the bucket itself is missing.
            if system.get_file_info(self._bucket).type == fs.FileType.NotFound:
                raise OSError(f"Bucket '{self._bucket}' not found") from None
            return {}
        start = len(self._base) + 1
        return {info.path[start:]: info.size for info in listed if info.type == fs.FileType.File}


def _times(file: str) -> ds.Expression:
    """Return the condition that holds for all rows of *file*: a query of other days skips it."""
    day = dt.datetime.fromisoformat(file[4:14])
    first, last = (pa.scalar(at, pa.timestamp("us")) for at in (day, day + _DAY))
    return (ds.field("at") >= first) & (ds.field("at") < last)


def _is_day(file: str) -> bool:
    try:
        dt.date.fromisoformat(file[4:14])
    except ValueError:
        return False
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
