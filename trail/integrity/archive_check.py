"""Verify the archive: each part that a purge wrote is stated by the seal of its day.

A seal states a part by its file (below the archive folder), rows, bytes, SHA-256, and a digest of
its events, so that it can be told whether the events or only the file changed. Parts that an
earlier release wrote are not stated.
"""

import datetime as dt
import hashlib
import random
import stat
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trail.core.errors import TrailError
from trail.integrity import chain
from trail.integrity.chain_history import History, Problem
from trail.integrity.row_digest import Ask
from trail.storage import archive_place
from trail.storage.archive_place import Place
from trail.storage.where import literal

# The kind of the problem that nothing of the archive could be compared.
UNREACHABLE = "archive unreachable"
SAMPLE_BYTES = 256 << 20  # of the archive that is read again by a verification that is not full

_COLUMNS = ["event_id", "occurred_at", "raw"]
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of the archive; *digest* is over its events, see `digest_of`."""

    file: str
    rows: int
    bytes: int
    sha256: str
    digest: str


Parts = dict[dt.date, dict[str, Part]]


def part_of(path: Path, file: str) -> Part:
    """Return what a seal states about the part *file*, which is at *path* now.

    Raises `OSError`, `pa.ArrowException`.
    """
    rows, digest = digest_of(path)
    return Part(file, rows, path.stat().st_size, sha256_of(path), digest)


def as_section(parts: Iterable[Part]) -> list[dict[str, object]]:
    """Return *parts* as a seal states them."""
    return [asdict(part) for part in parts]


def digest_of(path: Path) -> tuple[int, str]:
    """Return the number of events in a part, and the SHA-256 over them in their order.

    For each event: id, LF, microseconds since 1970, LF, SHA-256 of its record in hex, LF. Raises
    `OSError` or `pa.ArrowException` if it is not such a file.
    """
    digest, rows = hashlib.sha256(), 0
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for batch in file.iter_batches(columns=_COLUMNS):
            for line in _digested(batch):
                digest.update(line)
            rows += batch.num_rows
    return rows, digest.hexdigest()


def _digested(batch: pa.RecordBatch) -> list[bytes]:
    """Return the lines of the events of *batch*."""
    try:
        return [
            f"{event_id}\n{at}\n{hashlib.sha256((raw or '').encode()).hexdigest()}\n".encode()
            for event_id, at, raw in zip(
                batch["event_id"].to_pylist(),
                batch["occurred_at"].cast(pa.int64()).to_pylist(),
                batch["raw"].to_pylist(),
                strict=True,
            )
        ]
    except (AttributeError, KeyError, ValueError) as error:
        raise pa.ArrowInvalid("its columns are not those of a part") from error


def stated(history: History) -> Parts:
    """Return the parts that the trusted seals state, by day and file."""
    result: Parts = {}
    for _, line in sorted(history.trusted.items()):
        section = line.body.get("archive")
        if line.day is None or section is None:
            continue
        parts = {part["file"]: Part(**part) for part in section}
        if line.body["kind"] == chain.ACCEPTED or "archive_gone" in line.body:
            result[line.day] = parts
        else:
            result.setdefault(line.day, {}).update(parts)
    return result


def problems(ask: Ask, history: History, place: Place, *, full: bool) -> list[Problem]:
    """Return how the parts at *place* differ from what the seals state, by day.

    Unless *full*, contents are read of a random choice of at most `SAMPLE_BYTES`.
    """
    expected = stated(history)
    if expected and (reason := place.problem()):
        return [_unreachable(expected, reason)]
    try:
        return _compared(ask, history, place, expected, full=full)
    except TrailError as error:
        place.doubt(str(error))
        if reason := place.problem():
            return [_unreachable(expected, reason)]
        raise


def _unreachable(expected: Parts, reason: str) -> Problem:
    files = [part for parts in expected.values() for part in parts.values()]
    text = (
        f"The archive cannot be reached, so that {len(files):,} files were not verified. {reason}"
    )
    return Problem(None, UNREACHABLE, sum(part.rows for part in files), text)


def _compared(
    ask: Ask, history: History, place: Place, expected: Parts, *, full: bool
) -> list[Problem]:
    found = [
        problem
        for day, part in _chosen(expected, full=full)
        if (problem := difference(day, part, place, contents=True))
    ]
    reported = {problem.day for problem in found}
    for day, parts in expected.items():
        for part in parts.values():
            problem = difference(day, part, place, contents=False)
            if problem and day not in reported:
                found.append(problem)
    return [*found, *_unknown(ask, history, place, expected)]


def present(place: Place, day: dt.date) -> list[Part]:
    """Return the parts of *day* that are there and can be read."""
    found = []
    for file in place.files():
        if archive_place.day_of(file) != day:
            continue
        try:
            with place.local(file) as path:
                found.append(part_of(path, file))
        except (OSError, pa.ArrowException):
            continue
    return found


def _chosen(expected: Parts, *, full: bool) -> Iterator[tuple[dt.date, Part]]:
    parts = [(day, part) for day, files in expected.items() for part in files.values()]
    if not full:
        random.SystemRandom().shuffle(parts)
    size = 0
    for day, part in parts:
        size += part.bytes
        if full or size <= SAMPLE_BYTES:
            yield day, part


def difference(day: dt.date, part: Part, place: Place, *, contents: bool) -> Problem | None:
    """Return how *part* of *day* differs from what its seal states, or None.

    Without *contents* only its presence and size are compared.
    """
    size = place.size(part.file)
    if size is None:
        return _missing(day, part)
    if size == part.bytes and not contents:
        return None
    with place.local(part.file) as path:
        return changed(day, part, path)


def _missing(day: dt.date, part: Part) -> Problem:
    text = f"Archive file {part.file} with {part.rows:,} events is missing."
    return Problem(day, "archive missing", part.rows, text)


def changed(day: dt.date, part: Part, path: Path) -> Problem | None:
    """Return how the file at *path* differs from *part* of *day*, or None."""
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):  # a pipe is never read to its end
            return _missing(day, part)
        if state.st_size == part.bytes and sha256_of(path) == part.sha256:
            return None
        rows, digest = digest_of(path)
    except FileNotFoundError:
        return _missing(day, part)
    except MemoryError:
        raise
    except (OSError, pa.ArrowException):
        text = f"Archive file {part.file} with {part.rows:,} events cannot be read any more."
        return Problem(day, "archive changed", part.rows, text)
    if digest == part.digest:
        text = f"Archive file {part.file} was written again with the same events."
        return Problem(day, "archive changed", 1, text)
    text = (
        f"Archive file {part.file} was changed after it was sealed: it has {rows:,} events, "
        f"{part.rows:,} were archived."
    )
    return Problem(day, "archive changed", abs(rows - part.rows) or 1, text)


def _unknown(ask: Ask, history: History, place: Place, expected: Parts) -> Iterator[Problem]:
    """Yield the parts with events that are neither in a stated part nor in the database.

    A part that a killed purge left is not stated; the next purge archives its events again.
    """
    times = [line.body["sealed_at"] for line in history.trusted.values() if "archive" in line.body]
    if not times:
        return
    since = dt.datetime.fromisoformat(min(times))
    expired = {row["file"] for row in ask("select file from cold_expired")}
    for file in place.files():
        day = archive_place.day_of(file)
        assert day
        try:
            text = file.partition("/")[2][5:27]
            written = dt.datetime.strptime(text, "%Y%m%dT%H%M%S.%f")  # noqa: DTZ007
        except ValueError:
            continue
        if written < since - _DAY or file in {*expected.get(day, {}), *expired}:
            continue
        try:
            ids = _ids(place, file)
            for name in expected.get(day, {}):
                ids -= _ids(place, name)
        except (OSError, pa.ArrowException):
            continue  # reported where it is stated
        start = dt.datetime.combine(day, dt.time())
        between = f"occurred_at >= {literal(start)} and occurred_at < {literal(start + _DAY)}"
        ids -= {row["event_id"] for row in ask(f"select event_id from events where {between}")}
        if ids:
            text = f"Archive file {file} was added outside this product."
            yield Problem(day, "archive added", len(ids), text)


def _ids(place: Place, file: str) -> set[str]:
    return set(place.ids(file)["event_id"].to_pylist())


def sha256_of(path: Path) -> str:
    """Return the SHA-256 (hex) of the file at *path*. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
