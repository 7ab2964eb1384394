"""The archive: what retention removes, as Parquet by day, and the way to look at it again.

Separate from retention because it outlives the database. Layout:
`<archive_path>/day=2026-08-01/part-<time of the purge>.parquet`, so that DuckDB, Spark and the
ordinary loader all read it. Events that arrive after their day was archived make a second part.
"""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trail import holds
from trail.errors import UnavailableError
from trail.filters import Window
from trail.model import EVENT_COLUMNS
from trail.queries.events import STAR, named
from trail.selection import span
from trail.settings import Settings
from trail.store import Reading, Store

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


def write(store: Store, settings: Settings, dates: list[dt.date], now: dt.datetime) -> list[Path]:
    """Write the events of *dates* that nothing holds, a new part each; return the parts.

    All parts are on disk, whole and under their names, when this returns; without events of a day
    there is none. *now* (UTC) names them. Raises `UnavailableError` when the folder cannot be
    written; then no part of this call stays.
    """
    written: list[Path] = []
    try:
        with store.reading() as reading:
            for date in dates:
                folder = settings.store.archive_path.absolute() / f"{_PREFIX}{date.isoformat()}"
                part = _write_day(reading, date, folder, now)
                if part:
                    written.append(part)
        for folder in {path.parent.parent for path in written}:
            _sync(folder)
    except BaseException as error:
        for part in written:
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unavailable("written", error) from error
        raise
    return written


def contents(parts: list[Path]) -> pa.Table:
    """Return which events *parts* hold, read back from them: event_id, occurred_at (UTC).

    Raises `UnavailableError` when a part cannot be read.
    """
    try:
        tables = [pq.read_table(part, columns=["event_id", "occurred_at"]) for part in parts]
    except (pa.ArrowException, OSError) as error:
        raise _unavailable("read", error) from error
    found = pa.concat_tables([_NOTHING, *tables])
    # Without its zone, as the store keeps times, so that the two compare as they are.
    at = pc.cast(found["occurred_at"], pa.timestamp("us"))
    return pa.table({"event_id": found["event_id"], "occurred_at": at})


def days(settings: Settings) -> list[tuple[dt.date, int, int]]:
    """Return the archived days, oldest first: (day, events, bytes).

    An event that lies in two parts counts once; both its copies count as bytes.
    """
    found = []
    for date, files in parts(settings).items():
        if len(files) == 1:
            rows = int(pq.read_metadata(files[0]).num_rows)
        else:
            ids = [pq.read_table(file, columns=["event_id"])["event_id"] for file in files]
            rows = len(pc.unique(pa.chunked_array([c for each in ids for c in each.chunks])))
        found.append((date, rows, sum(file.stat().st_size for file in files)))
    return found


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


def _write_day(reading: Reading, date: dt.date, folder: Path, now: dt.datetime) -> Path | None:
    """Write one day's part and give it its name; return it, or None for a day without events."""
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
        rows = first.num_rows
        with fresh.open("wb") as file, pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
            writer.write_batch(first)
            for batch in batches:
                rows += batch.num_rows
                writer.write_batch(batch)
            writer.close()
            file.flush()
            os.fsync(file.fileno())
        if pq.read_metadata(fresh).num_rows != rows:
            raise OSError(None, "a file does not hold what was written to it")
        fresh.rename(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    _sync(folder)
    return target


def _rows(reading: Reading, date: dt.date) -> Iterator[pa.RecordBatch]:
    start = dt.datetime.combine(date, dt.time())
    where = f"{span(Window(start, start + _DAY), 'e.occurred_at')} and not {holds.condition()}"
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


def _sync(folder: Path) -> None:
    """Make the names in *folder* survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unavailable(done: str, error: Exception) -> UnavailableError:
    words = (isinstance(error, OSError) and error.strerror) or "the file is not whole"
    return UnavailableError(
        f"The archive cannot be {done}: {words}. Nothing that is not in it was removed.",
        "Make room, or let the server write to the archive's folder.",
    )
