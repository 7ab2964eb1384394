"""The archive: events removed by retention, as Parquet files by day.

Layout:
`<archive_path>/day=2026-08-01/part-<time of the purge>.parquet`, so that DuckDB, Spark and the
loaders all read it. Events that arrive after their day was archived are written as another part.
"""

import contextlib
import datetime as dt
import itertools
import threading
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trail.core.errors import TrailError, UnavailableError
from trail.core.model import ARCHIVE_KEYS, RECORD_COLUMNS
from trail.core.settings import Settings
from trail.events.names import STAR, join_names
from trail.integrity.archive_check import Part, part_of
from trail.retention import legal_holds
from trail.storage import archive_place, cursors, failures, search_text, tiers
from trail.storage.archive_place import Place
from trail.storage.cold_files import KEYED_SCHEMA
from trail.storage.cold_tier import ColdPart
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine, Reading
from trail.storage.filters import Window
from trail.storage.where import span

# Whoever writes or lists parts has this: of two at once, one would archive the rows of the other
# again, or take its new part for one that nobody listed.
changing = threading.Lock()
# Filters on these skip a part, or most of it, by its Bloom filters.
_FILTERED = ("event_id", "target_key", "actor_key")

# What a part has of the columns of `events` that are not in `STAR`.
_MORE = ("batch_id", "search_key", "forwarded", "echo")
# The condition on `events e` of both tiers for archived events on legal hold.
AGAIN = f"{legal_holds.condition()} and e.event_id not in (select event_id from trail.events)"
_EMPTY = KEYED_SCHEMA.empty_table().select(["event_id", "occurred_at", "actor_key"])
_DAY = dt.timedelta(days=1)
_BATCH_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Archived:
    """Events that were archived, and their parts.

    The events have event_id, occurred_at (UTC, without zone), and the actor_key that is written.
    """

    events: pa.Table
    parts: dict[dt.date, Part]


def write(
    store: Store,
    settings: Settings,
    dates: list[dt.date],
    now: dt.datetime,
    *,
    again: bool = False,
) -> Archived:
    """Write the events of *dates* that are not on hold, one new part per day; return them.

    With *again* they are the archived events that are on hold. They are read back from the parts,
    which are complete on disk when this returns; *now* (UTC) is part of their names. Raises
    `UnavailableError` if the archive cannot be written; no part of this call remains then.
    """
    place, results = archive_place.of(settings), [_EMPTY]
    parts: dict[dt.date, Part] = {}
    try:
        source, chosen = store, f"not {legal_holds.condition()}"
        if again:
            source, chosen = tiers.both(store), AGAIN
        with source.reading() as reading:
            for date in dates:
                file = _free_name(place, date, now)
                if result := _write_day(_rows(reading, date, chosen), place, file):
                    parts[date] = result[0]
                    results.append(result[1])
    except BaseException as error:
        discard(place, parts.values())
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
    return Archived(events.set_column(1, "occurred_at", at), parts)


def has_late(engine: Engine, cutoff: dt.datetime) -> bool:
    """Return whether events of archived days before *cutoff* (UTC) are in the database.

    They arrived since, and the next purge archives them. Those on hold stay, and do not count.
    """
    found = engine.table(
        f"select 1 from events e where {span(Window(None, cutoff), 'e.occurred_at')} "
        "and e.occurred_at::date in (select day from cold_parts) "
        f"and not {legal_holds.condition()} limit 1"
    )
    return bool(found.num_rows)


def discard(place: Place, parts: Iterable[Part]) -> None:
    """Delete *parts* that nothing lists. What cannot be deleted now is found by `adoption`."""
    for part in parts:
        with contextlib.suppress(OSError, TrailError):
            place.delete(part.file)


def listed(
    cursor: Cursor, written: dict[dt.date, Part], unsearchable: Collection[dt.date] = ()
) -> list[ColdPart]:
    """Return the parts *written* by this database as the cold tier lists them.

    Those of the days *unsearchable* have events without a search text.
    """
    mark = cursors.read(cursor, search_text.BACKFILL)
    searchable_from = dt.datetime.fromisoformat(mark).date() if mark else dt.date.min
    return [
        ColdPart(
            day,
            part.file,
            part.rows,
            part.bytes,
            keyed=True,
            searchable=searchable_from < day and day not in unsearchable,
        )
        for day, part in written.items()
    ]


@contextlib.contextmanager
def readable(file: str) -> Iterator[None]:
    """Convert errors of the damaged part *file* to an `UnavailableError` with its name."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise failures.unreadable_archive_file(file) from error


def _write_day(
    batches: Iterator[pa.RecordBatch], place: Place, file: str
) -> tuple[Part, pa.Table] | None:
    """Write *file*, the part of one day, and read it back; return None without events."""
    first = next(batches, None)
    if first is None:
        return None

    def fill(path: Path) -> int:
        rows = 0
        with pq.ParquetWriter(
            path,
            KEYED_SCHEMA,
            compression="zstd",
            write_page_checksum=True,
            bloom_filter_options={name: {"ndv": _BATCH_ROWS} for name in _FILTERED},
        ) as writer:
            for batch in itertools.chain([first], batches):
                rows += batch.num_rows
                writer.write_batch(batch)
        return rows

    def verify(path: Path, rows: int) -> tuple[Part, pa.Table]:
        stored = _read_back(path)
        if stored.num_rows != rows:
            raise pa.ArrowInvalid("row count differs from what was written")
        return part_of(path, file), stored

    return place.write(file, fill, verify)


def _read_back(part: Path) -> pa.Table:
    """Read all of *part* and verify its checksums; return the columns that identify events."""
    with pq.ParquetFile(part, page_checksum_verification=True) as file:
        batches = [batch.select(_EMPTY.column_names) for batch in file.iter_batches()]
    return pa.Table.from_batches(batches, _EMPTY.schema)


def _rows(reading: Reading, date: dt.date, chosen: str) -> Iterator[pa.RecordBatch]:
    """Yield the events of *date* for which the condition *chosen* holds."""
    start = dt.datetime.combine(date, dt.time())
    where = f"{span(Window(start, start + _DAY), 'e.occurred_at')} and {chosen}"
    more = ", ".join(f"e.{name}" for name in _MORE)
    star = f"select {STAR}, e.raw, {more} from events e where {where}"
    keys = ", ".join(name for name in ARCHIVE_KEYS if name not in ("at", "arrived"))
    named = join_names(star, f", raw, recorded_actor_id, {keys}")
    # Sorted, so that a reader of one hour skips the rest of the file.
    sql = (
        f"select {', '.join(RECORD_COLUMNS)}, occurred_at as at, ingested_at as arrived, {keys} "
        f"from ({named}) order by occurred_at, event_id"
    )
    for batch in reading.batches(sql, {}, _BATCH_ROWS):
        if batch.num_rows:
            yield batch.cast(KEYED_SCHEMA)


def _free_name(place: Place, day: dt.date, now: dt.datetime) -> str:
    """Return an unused file name: existing parts are never overwritten."""
    stem = f"part-{now:%Y%m%dT%H%M%S.%f}Z"
    names = (f"{stem}{f'-{number}' if number else ''}.parquet" for number in range(10_000))
    files = (archive_place.name(day, name) for name in names)
    return next(file for file in files if place.size(file) is None)
