"""The archive: what retention removes, as Parquet by day, and the way to look at it again.

Separate from retention because it outlives the database. Layout:
`<archive_path>/day=2026-08-01/part-<time of the purge>.parquet`, so that DuckDB, Spark and the
ordinary loader all read it. Events that arrive after their day was archived make a second part.
"""

import contextlib
import datetime as dt
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trail.core import atomic_file
from trail.core.errors import UnavailableError
from trail.core.model import EVENT_COLUMNS
from trail.core.settings import Settings
from trail.events.events import STAR, named
from trail.retention import legal_holds
from trail.storage.database import Reading, Store
from trail.storage.filters import Window
from trail.storage.where import span

# What a file holds is fixed here, not derived, so that all files of an archive are alike.
_TYPES: dict[str, pa.DataType] = {
    "occurred_at": pa.timestamp("us", "UTC"),
    "ingested_at": pa.timestamp("us", "UTC"),
    "risk": pa.int8(),
    "verified": pa.bool_(),
}
SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in EVENT_COLUMNS])

_NOTHING = SCHEMA.empty_table().select(["event_id", "occurred_at"])
_DAY = dt.timedelta(days=1)
_PREFIX = "day="
# Begins with a dot, so that neither the loader nor `parts` takes an unfinished file for a part.
_UNFINISHED = ".unfinished-"
_BATCH_ROWS = 20_000


def write(store: Store, settings: Settings, dates: list[dt.date], now: dt.datetime) -> pa.Table:
    """Write the events of *dates* that nothing holds, a new part each day; return which they are.

    The answer (event_id, occurred_at in UTC without a zone) is read back from the parts. When this
    returns all of them are on disk, whole and under their names; *now* (UTC) names them. Raises
    `UnavailableError` when the folder cannot be written; then no part of this call stays.
    """
    written: list[Path] = []
    found = [_NOTHING]
    try:
        with store.reading() as reading:
            for date in dates:
                folder = settings.store.archive_path.absolute() / f"{_PREFIX}{date.isoformat()}"
                day = _write_day(reading, date, folder, now)
                if day:
                    written.append(day[0])
                    found.append(day[1])
        for folder in {path.parent.parent for path in written}:
            atomic_file.sync_folder(folder)
    except BaseException as error:
        for part in written:
            part.unlink(missing_ok=True)
        if isinstance(error, OSError | pa.ArrowException):
            words = isinstance(error, OSError) and error.strerror
            raise UnavailableError(
                f"The archive cannot be written: {words or 'what was written is not whole'}. "
                "Nothing that is not in it was removed.",
                "Make room, or let the server write to the archive's folder.",
            ) from error
        raise
    events = pa.concat_tables(found)
    # Without its zone, as the store keeps times, so that the two compare as they are.
    at = pc.cast(events["occurred_at"], pa.timestamp("us"))
    return pa.table({"event_id": events["event_id"], "occurred_at": at})


def days(settings: Settings) -> list[tuple[dt.date, int, int]]:
    """Return the archived days, oldest first: (day, events, bytes).

    An event that lies in two parts counts once; both its copies count as bytes. Raises
    `UnavailableError` naming a part that is damaged.
    """
    found = []
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
        found.append((date, rows or len(pc.unique(ids)), sum(f.stat().st_size for f in files)))
    return found


@contextlib.contextmanager
def readable(part: Path) -> Iterator[None]:
    """Turn what a damaged *part* raises into an `UnavailableError` that names it."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise UnavailableError(
            f"The archive's {part.parent.name}/{part.name} cannot be read; it is damaged or gone.",
            "Put a copy of it back, or move it out of the archive.",
        ) from error


def parts(
    settings: Settings, first: dt.date = dt.date.min, last: dt.date = dt.date.max
) -> dict[dt.date, list[Path]]:
    """Return the parts of each archived day from *first* to *last*, days and parts in order."""
    found: dict[dt.date, list[Path]] = {}
    for folder in sorted(settings.store.archive_path.absolute().glob(f"{_PREFIX}*")):
        try:
            date = dt.date.fromisoformat(folder.name.removeprefix(_PREFIX))
        except ValueError:
            continue
        files = sorted(folder.glob("part-*.parquet"))
        if files and first <= date <= last:
            found[date] = files
    return found


def _write_day(
    reading: Reading, date: dt.date, folder: Path, now: dt.datetime
) -> tuple[Path, pa.Table] | None:
    """Write one day's part, read it back, and give it its name; None for a day without events."""
    batches = _rows(reading, date)
    first = next(batches, None)
    if first is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_UNFINISHED}*"):
        left.unlink()  # of a process that was killed
    target = _free_name(folder, now)
    fresh = folder / f"{_UNFINISHED}{target.name}"
    try:
        rows = 0
        with fresh.open("wb") as file:
            with pq.ParquetWriter(
                file, SCHEMA, compression="zstd", write_page_checksum=True
            ) as writer:
                for batch in itertools.chain([first], batches):
                    rows += batch.num_rows
                    writer.write_batch(batch)
            file.flush()
            os.fsync(file.fileno())
        kept = _read_back(fresh)
        if kept.num_rows != rows:
            raise pa.ArrowInvalid("a part does not hold what was written to it")
        fresh.rename(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    atomic_file.sync_folder(folder)
    return target, kept


def _read_back(part: Path) -> pa.Table:
    """Read all of *part*, its checksums compared; return the columns that tell events apart."""
    with pq.ParquetFile(part, page_checksum_verification=True) as file:
        found = [batch.select(_NOTHING.column_names) for batch in file.iter_batches()]
    return pa.Table.from_batches(found, _NOTHING.schema)


def _rows(reading: Reading, date: dt.date) -> Iterator[pa.RecordBatch]:
    start = dt.datetime.combine(date, dt.time())
    where = (
        f"{span(Window(start, start + _DAY), 'e.occurred_at')} and not {legal_holds.condition()}"
    )
    star = f"select {STAR}, e.raw from events e where {where}"
    columns = ", ".join(EVENT_COLUMNS)
    # In order, so that a reader of one hour skips the rest of the file.
    sql = f"select {columns} from ({named(star, ', raw')}) order by occurred_at, event_id"
    for batch in reading.batches(sql, {}, _BATCH_ROWS):
        if batch.num_rows:
            yield batch.cast(SCHEMA)


def _free_name(folder: Path, now: dt.datetime) -> Path:
    """Return a name that no part has: one that is there is never written over."""
    stem = f"part-{now:%Y%m%dT%H%M%S.%f}Z"
    names = (f"{stem}{f'-{number}' if number else ''}.parquet" for number in range(10_000))
    return next(folder / name for name in names if not (folder / name).exists())
