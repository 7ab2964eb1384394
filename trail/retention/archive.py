"""The archive: events removed by retention, as Parquet files by day.

Layout:
`<archive_path>/day=2026-08-01/part-<time of the purge>.parquet`, so that DuckDB, Spark and the
loaders all read it. Events that arrive after their day was archived are written as another part.
"""

import contextlib
import datetime as dt
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trail.core import atomic_file
from trail.core.errors import UnavailableError
from trail.core.model import RECORD_COLUMNS
from trail.core.settings import Settings
from trail.events.names import STAR, join_names
from trail.integrity.archive_check import Part, part_of
from trail.retention import legal_holds
from trail.storage.database import Reading, Store
from trail.storage.filters import Window
from trail.storage.where import span

# The schema is fixed and not derived, so that all files of an archive have the same one.
_TYPES: dict[str, pa.DataType] = {
    "occurred_at": pa.timestamp("us", "UTC"),
    "ingested_at": pa.timestamp("us", "UTC"),
    "risk": pa.int8(),
    "verified": pa.bool_(),
}
SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in RECORD_COLUMNS])

_EMPTY = SCHEMA.empty_table().select(["event_id", "occurred_at"])
_DAY = dt.timedelta(days=1)
_PREFIX = "day="
# Starts with a dot, so that neither the loader nor `parts` reads an incomplete file.
_UNFINISHED = ".unfinished-"
_BATCH_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Archived:
    """Events that were archived (event_id, occurred_at in UTC without zone), and their parts."""

    events: pa.Table
    parts: dict[dt.date, Part]


def write(store: Store, settings: Settings, dates: list[dt.date], now: dt.datetime) -> Archived:
    """Write the events of *dates* that are not on hold, one new part per day; return them.

    They are read back from the parts, which are complete on disk when this returns; *now* (UTC) is
    part of their names. Raises `UnavailableError` if the folder cannot be written; no part of this
    call remains then.
    """
    written: list[Path] = []
    results = [_EMPTY]
    parts: dict[dt.date, Part] = {}
    try:
        with store.reading() as reading:
            for date in dates:
                folder = settings.store.archive_path.absolute() / f"{_PREFIX}{date.isoformat()}"
                result = _write_day(reading, date, folder, now)
                if result:
                    written.append(result[0])
                    results.append(result[1])
                    parts[date] = part_of(result[0])
        for folder in {path.parent.parent for path in written}:
            atomic_file.sync_folder(folder)
    except BaseException as error:
        for part in written:
            part.unlink(missing_ok=True)
        if isinstance(error, OSError | pa.ArrowException):
            reason = isinstance(error, OSError) and error.strerror
            raise UnavailableError(
                f"The archive cannot be written: {reason or 'a part is incomplete'}. "
                "No event was removed without being archived.",
                "Free disk space, or make the archive folder writable.",
            ) from error
        raise
    events = pa.concat_tables(results)
    # Without zone, as in the database, so that the values can be compared.
    at = pc.cast(events["occurred_at"], pa.timestamp("us"))
    return Archived(pa.table({"event_id": events["event_id"], "occurred_at": at}), parts)


def days(settings: Settings) -> list[tuple[dt.date, int, int]]:
    """Return the archived days, oldest first: (day, events, bytes).

    An event in two parts counts once; bytes include both copies. Raises `UnavailableError` with the
    name of a damaged part.
    """
    result = []
    for date, files in parts(settings).items():
        ids = pa.chunked_array([], pa.string())
        rows = 0
        for file in files:
            with readable(file):
                if len(files) == 1:
                    rows = int(pq.read_metadata(file).num_rows)
                    continue
                more = pq.read_table(file, columns=["event_id"])["event_id"]
                ids = pa.chunked_array([*ids.chunks, *more.chunks], pa.string())
        result.append((date, rows or len(pc.unique(ids)), sum(f.stat().st_size for f in files)))
    return result


@contextlib.contextmanager
def readable(part: Path) -> Iterator[None]:
    """Convert errors of a damaged *part* to an `UnavailableError` with its name."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise UnavailableError(
            f"Archive file {part.parent.name}/{part.name} cannot be read: damaged or missing.",
            "Restore it from a copy, or remove it from the archive.",
        ) from error


def parts(
    settings: Settings, first: dt.date = dt.date.min, last: dt.date = dt.date.max
) -> dict[dt.date, list[Path]]:
    """Return the parts of each archived day from *first* to *last*, days and parts in order."""
    result: dict[dt.date, list[Path]] = {}
    for folder in sorted(settings.store.archive_path.absolute().glob(f"{_PREFIX}*")):
        try:
            date = dt.date.fromisoformat(folder.name.removeprefix(_PREFIX))
        except ValueError:
            continue
        files = sorted(folder.glob("part-*.parquet"))
        if files and first <= date <= last:
            result[date] = files
    return result


def _write_day(
    reading: Reading, date: dt.date, folder: Path, now: dt.datetime
) -> tuple[Path, pa.Table] | None:
    """Write the part of one day, read it back, and rename it; return None without events."""
    batches = _rows(reading, date)
    first = next(batches, None)
    if first is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    for remains in folder.glob(f"{_UNFINISHED}*"):
        remains.unlink()  # left by a killed process
    target = _free_name(folder, now)
    part = folder / f"{_UNFINISHED}{target.name}"
    try:
        rows = 0
        with part.open("wb") as file:
            with pq.ParquetWriter(
                file, SCHEMA, compression="zstd", write_page_checksum=True
            ) as writer:
                for batch in itertools.chain([first], batches):
                    rows += batch.num_rows
                    writer.write_batch(batch)
            file.flush()
            os.fsync(file.fileno())
        stored = _read_back(part)
        if stored.num_rows != rows:
            raise pa.ArrowInvalid("row count differs from what was written")
        part.rename(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    atomic_file.sync_folder(folder)
    return target, stored


def _read_back(part: Path) -> pa.Table:
    """Read all of *part* and verify its checksums; return the columns that identify events."""
    with pq.ParquetFile(part, page_checksum_verification=True) as file:
        batches = [batch.select(_EMPTY.column_names) for batch in file.iter_batches()]
    return pa.Table.from_batches(batches, _EMPTY.schema)


def _rows(reading: Reading, date: dt.date) -> Iterator[pa.RecordBatch]:
    start = dt.datetime.combine(date, dt.time())
    where = (
        f"{span(Window(start, start + _DAY), 'e.occurred_at')} and not {legal_holds.condition()}"
    )
    star = f"select {STAR}, e.raw from events e where {where}"
    columns = ", ".join(RECORD_COLUMNS)
    # Sorted, so that a reader of one hour skips the rest of the file.
    named = join_names(star, ", raw, recorded_actor_id")
    sql = f"select {columns} from ({named}) order by occurred_at, event_id"
    for batch in reading.batches(sql, {}, _BATCH_ROWS):
        if batch.num_rows:
            yield batch.cast(SCHEMA)


def _free_name(folder: Path, now: dt.datetime) -> Path:
    """Return an unused file name: existing parts are never overwritten."""
    stem = f"part-{now:%Y%m%dT%H%M%S.%f}Z"
    names = (f"{stem}{f'-{number}' if number else ''}.parquet" for number in range(10_000))
    return next(folder / name for name in names if not (folder / name).exists())
