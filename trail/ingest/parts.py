"""Parts: the files in which an ingest process passes received records on to the server.

`incoming/<node>/part-<node>-<sequence>.parquet` has the records of one file of the node's
write-ahead log, in order, with what the node read in them: `event_id`, `occurred_at` and
`event_key`, the lower half of the MD5 of the event ID, where a record is one event. The server
reads the records again, so that nodes of other releases change nothing. The footer states who wrote
the part, and how many records it has.

A part is complete once it has its name, and is never changed. `process` tells apart the nodes that
had one name after another: each counts its parts from `first` on, without a gap.
"""

import functools
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trail.core import atomic_file, registry
from trail.core.model import Receiver
from trail.core.text import byte_size
from trail.ingest.write_ahead_log import Entry

SCHEMA = pa.schema(
    [
        ("receiver", pa.string()),
        ("raw", pa.binary()),
        ("verified", pa.bool_()),
        ("named", pa.bool_()),
        ("refusal", pa.string()),
        ("event_id", pa.string()),
        ("occurred_at", pa.timestamp("us", "UTC")),
        ("event_key", pa.uint64()),
    ]
)
_ENTRY = ["receiver", "raw", "verified", "named", "refusal"]
_TEXTS = ["receiver", "raw", "refusal"]
_ABOUT = b"audit_trail_part"
_NODE = re.compile("[a-z0-9-]{1,32}")
_PROCESS = re.compile("[a-z0-9-]{1,64}")
_NAME = re.compile(r"part-(?P<node>[a-z0-9-]+)-(?P<sequence>[0-9]{12})\.parquet")
# Records that are read at once: at most so many, and so many bytes. A node writes a fifth of that.
_MOST_ROWS, _MOST_BYTES = 100_000, 256 << 20
# Starts with a dot, so that nobody takes an incomplete file for a part.
_UNFINISHED = ".unfinished-"


class DamagedPartError(Exception):
    """Why a file is not a usable part, in one sentence."""


@dataclass(frozen=True, slots=True)
class About:
    """Who wrote a part, and what is in it: records, and the events and refused records in them."""

    node: str
    process: str
    first: int
    sequence: int
    records: int = 0
    events: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A part that was checked, in the file *path*."""

    path: Path
    about: About

    def entries(self, start: int = 0) -> Iterator[list[Entry]]:
        """Yield the records from number *start* on, some at a time."""
        with pq.ParquetFile(self.path) as file:
            done = 0
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if done + rows > start:
                    table = file.read_row_group(group, columns=_ENTRY).slice(max(start - done, 0))
                    yield [Entry(**row) for row in table.to_pylist()]
                done += rows


def name(node: str, sequence: int) -> str:
    """Return the name of a part below the folder of its node."""
    return f"part-{node}-{sequence:012d}.parquet"


def folders(incoming: Path) -> list[Path]:
    """Return the folders of nodes by name; others, such as snapshots of the disk, are left out.

    Raises `OSError` if *incoming* cannot be read.
    """
    return sorted(
        path for path in incoming.iterdir() if _NODE.fullmatch(path.name) and path.is_dir()
    )


def waiting(folder: Path) -> list[Path]:
    """Return the parts in the *folder* of a node by sequence; none if it is not there.

    Raises `OSError` if it cannot be read.
    """
    try:
        return sorted(path for path in folder.iterdir() if sequence_of(path, folder.name))
    except FileNotFoundError:
        return []


def sequence_of(path: Path, node: str) -> int:
    """Return the number in the name of a part of *node*, or 0 if it is none."""
    match = _NAME.fullmatch(path.name)
    return int(match["sequence"]) if match and match["node"] == node else 0


def write(folder: Path, about: About, groups: Iterator[tuple[pa.Table, int, int]]) -> bool:
    """Write a part of *groups*: records by `SCHEMA`, their events, and refused records.

    Returns False if it is there already. Raises `FileExistsError` if another process has written a
    part of this name.
    """
    target = folder / name(about.node, about.sequence)
    if target.exists():
        return _is_own(target, about)
    unfinished = folder / f"{_UNFINISHED}{target.name}"
    try:
        with pq.ParquetWriter(
            unfinished, SCHEMA, compression="zstd", write_page_checksum=True
        ) as writer:
            counts = [0, 0, 0]
            for table, events, quarantined in groups:
                writer.write_table(table)
                for place, count in enumerate((table.num_rows, events, quarantined)):
                    counts[place] += count
            stated = About(about.node, about.process, about.first, about.sequence, *counts)
            writer.add_key_value_metadata({_ABOUT: orjson.dumps(asdict(stated))})
        with unfinished.open("r+b") as written:
            os.fsync(written.fileno())
        # Unlike a rename, a link never replaces the part of another process.
        os.link(unfinished, target)
    except FileExistsError:
        return _is_own(target, about)
    finally:
        unfinished.unlink(missing_ok=True)
    atomic_file.sync_folder(folder)
    return True


def _is_own(target: Path, about: About) -> bool:
    """Return False if *target* is the part *about*, else raise `FileExistsError`."""
    found = _about(target)
    if (found.process, found.sequence) == (about.process, about.sequence):
        return False
    raise FileExistsError(f"{target.name} is of another process")


def checked(path: Path) -> Part:
    """Return the part at *path* once all of it was read; raises `DamagedPartError`, or `OSError`.

    Only then can all of its records be kept, or none.
    """
    try:
        about, rows = _about(path), _checked_rows(path)
    except (DamagedPartError, MemoryError):
        raise
    except OSError as error:
        if error.errno:  # of the disk, and not of what is in the file
            raise
        raise DamagedPartError("It is damaged.") from error
    except Exception as error:  # whatever a file makes of its reader, it stops no other file
        raise DamagedPartError("It is not a Parquet file, or is damaged.") from error
    if rows != about.records:
        raise DamagedPartError(f"It has {rows:,} records in place of {about.records:,}.")
    return Part(path, about)


def _checked_rows(path: Path) -> int:
    """Return how many records are in *path* once they were read."""
    metadata = pq.read_metadata(path)
    schema = metadata.schema.to_arrow_schema()
    for field in SCHEMA:
        if field.name not in schema.names:
            raise DamagedPartError(f"It has no column {field.name}.")
        if schema.field(field.name).type != field.type:
            raise DamagedPartError(f"Its column {field.name} is not {field.type}.")
    # As dictionaries: a few bytes of a file may stand for any number of equal long values.
    with pq.ParquetFile(
        path, metadata=metadata, read_dictionary=_TEXTS, page_checksum_verification=True
    ) as file:
        return sum(_checked_group(file, group) for group in range(file.num_row_groups))


def _checked_group(file: pq.ParquetFile, group: int) -> int:
    """Return how many records are in a row group that is read at once."""
    stated = file.metadata.row_group(group)
    _require_small(stated.num_rows, stated.total_byte_size)
    rows = size = 0
    for batch in file.iter_batches(row_groups=[group], columns=_ENTRY):
        batch.validate(full=True)
        if any(batch[column].null_count for column in _ENTRY):
            raise DamagedPartError("A record is incomplete.")
        if not _receivers().issuperset(batch["receiver"].dictionary.to_pylist()):
            raise DamagedPartError("It has records of a receiver that this server does not have.")
        rows += batch.num_rows
        for column in _TEXTS:
            lengths = pc.binary_length(batch[column].dictionary).cast(pa.int64())
            size += pc.sum(lengths.take(batch[column].indices)).as_py() or 0
        _require_small(rows, size)
    return rows


def _require_small(rows: int, size: int) -> None:
    if rows > _MOST_ROWS or size > _MOST_BYTES:
        raise DamagedPartError(
            f"A group has more than {_MOST_ROWS:,} records or {byte_size(_MOST_BYTES)}."
        )


@functools.cache
def _receivers() -> frozenset[str]:
    return frozenset(receiver.name for receiver in registry.of_kind(Receiver))


def _about(path: Path) -> About:
    """Return what the footer of *path* states."""
    if not stat.S_ISREG(path.lstat().st_mode):  # a pipe is never read to its end
        raise DamagedPartError("It is not a file.")
    metadata = pq.read_metadata(path).metadata or {}
    try:
        stated = orjson.loads(metadata[_ABOUT])
        about = About(**stated)
        if {name: type(value) for name, value in stated.items()} != About.__annotations__:
            raise TypeError
        if not _PROCESS.fullmatch(about.process) or not 1 <= about.first <= about.sequence:
            raise ValueError
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DamagedPartError("No ingest process wrote it.") from error
    if path.name != name(about.node, about.sequence):
        raise DamagedPartError("Its name is that of another part.")
    return about
