"""Verify the archive: each part that a purge wrote is stated by the seal of its day.

A seal states a part by its file (below the archive folder), rows, bytes, SHA-256, and a digest of
its events, so that it can be told whether the events or only the file changed. Parts that an
earlier release wrote are not stated.
"""

import datetime as dt
import hashlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trail.integrity import chain
from trail.integrity.chain_history import History, Problem
from trail.integrity.row_digest import Ask
from trail.storage.where import literal

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


def part_of(path: Path) -> Part:
    """Return what a seal states about the part at *path*. Raises `OSError`, `pa.ArrowException`."""
    rows, digest = digest_of(path)
    return Part(_name(path), rows, path.stat().st_size, _sha256(path), digest)


def as_section(parts: Iterable[Part]) -> list[dict[str, object]]:
    """Return *parts* as a seal states them."""
    return [asdict(part) for part in parts]


def digest_of(path: Path) -> tuple[int, str]:
    """Return the number of events in a part, and the SHA-256 over them in their order.

    For each event: id, LF, microseconds since 1970, LF, SHA-256 of its record in hex, LF.
    """
    digest, rows = hashlib.sha256(), 0
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for batch in file.iter_batches(columns=_COLUMNS):
            moments = batch["occurred_at"].cast(pa.int64()).to_pylist()
            for event_id, at, raw in zip(
                batch["event_id"].to_pylist(), moments, batch["raw"].to_pylist(), strict=True
            ):
                record = hashlib.sha256((raw or "").encode()).hexdigest()
                digest.update(f"{event_id}\n{at}\n{record}\n".encode())
            rows += batch.num_rows
    return rows, digest.hexdigest()


def stated(history: History) -> Parts:
    """Return the parts that the trusted seals state, by day and file."""
    result: Parts = {}
    for _, line in sorted(history.trusted.items()):
        section = line.body.get("archive")
        if line.day is None or section is None:
            continue
        parts = {part["file"]: Part(**part) for part in section}
        if line.body["kind"] == chain.ACCEPTED:
            result[line.day] = parts
        else:
            result.setdefault(line.day, {}).update(parts)
    return result


def problems(ask: Ask, history: History, folder: Path, *, full: bool) -> list[Problem]:
    """Return how the parts in *folder* differ from what the seals state, by day.

    Unless *full*, contents are read of a random choice of at most `SAMPLE_BYTES`.
    """
    expected = stated(history)
    found = [
        problem
        for day, part in _chosen(expected, full=full)
        if (problem := _difference(day, part, folder, contents=True))
    ]
    reported = {problem.day for problem in found}
    for day, parts in expected.items():
        for part in parts.values():
            problem = _difference(day, part, folder, contents=False)
            if problem and day not in reported:
                found.append(problem)
    return [*found, *_unknown(ask, history, folder, expected)]


def problems_of(history: History, folder: Path, first: dt.date, last: dt.date) -> list[Problem]:
    """Return how the parts of the days *first* to *last* (inclusive) differ, contents included."""
    return [
        problem
        for day, parts in sorted(stated(history).items())
        if first <= day <= last
        for part in parts.values()
        if (problem := _difference(day, part, folder, contents=True))
    ]


def present(folder: Path, day: dt.date) -> list[Part]:
    """Return the parts of *day* that are there and can be read."""
    found = []
    for path in sorted((folder / f"day={day.isoformat()}").glob("part-*.parquet")):
        try:
            found.append(part_of(path))
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


def _difference(day: dt.date, part: Part, folder: Path, *, contents: bool) -> Problem | None:
    path = folder / part.file
    try:
        same = path.stat().st_size == part.bytes and (not contents or _sha256(path) == part.sha256)
    except OSError:
        text = f"Archive file {part.file} with {part.rows:,} events is missing."
        return Problem(day, "archive missing", part.rows, text)
    if same:
        return None
    try:
        rows, digest = digest_of(path)
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


def _unknown(ask: Ask, history: History, folder: Path, expected: Parts) -> Iterator[Problem]:
    """Yield the parts with events that are neither in a stated part nor in the database.

    A part that a killed purge left is not stated; the next purge archives its events again.
    """
    times = [line.body["sealed_at"] for line in history.trusted.values() if "archive" in line.body]
    if not times:
        return
    since = dt.datetime.fromisoformat(min(times))
    for path in sorted(folder.glob("day=*/part-*.parquet")):
        try:
            day = dt.date.fromisoformat(path.parent.name.removeprefix("day="))
            written = dt.datetime.strptime(path.name[5:27], "%Y%m%dT%H%M%S.%f")  # noqa: DTZ007
        except ValueError:
            continue
        if written < since - _DAY or _name(path) in expected.get(day, {}):
            continue
        try:
            ids = _ids(path)
            for name in expected.get(day, {}):
                ids -= _ids(folder / name)
        except (OSError, pa.ArrowException):
            continue  # reported where it is stated
        start = dt.datetime.combine(day, dt.time())
        between = f"occurred_at >= {literal(start)} and occurred_at < {literal(start + _DAY)}"
        ids -= {row["event_id"] for row in ask(f"select event_id from events where {between}")}
        if ids:
            text = f"Archive file {_name(path)} was added outside this product."
            yield Problem(day, "archive added", len(ids), text)


def _ids(path: Path) -> set[str]:
    return set(pq.read_table(path, columns=["event_id"])["event_id"].to_pylist())


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
