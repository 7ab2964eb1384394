"""The ingest processes as the server sees them: when last, and what waits, is missing or bad."""

import datetime as dt
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson

from trail.core.clock import naive_utc, utc_text
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.core.text import count
from trail.ingest import part_progress, parts
from trail.ingest.compaction import SET_ASIDE
from trail.ingest.node import REPORT
from trail.ingest.part_progress import Progress
from trail.storage import cursors
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine

# A process reports every few seconds; after so long without, it is down or cut off.
_SILENT = dt.timedelta(minutes=5)
_REPORT_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """An ingest process.

    `seen_at` (UTC, without zone) is its last report, None without one. `log_bytes` waited in its
    write-ahead log then; `waiting_parts` with `waiting_bytes` wait for the server. `set_aside`
    counts files that are not parts, and `missing` parts that never arrived.
    """

    node: str
    seen_at: dt.datetime | None
    log_bytes: int
    waiting_parts: int
    waiting_bytes: int
    set_aside: int
    missing: int

    def problems(self, now: dt.datetime) -> list[str]:
        """Return what is wrong at *now* (UTC, without zone), as sentences."""
        who = f"ingest process {self.node}"
        result = []
        if self.seen_at is None or now - self.seen_at > _SILENT:
            since = f"since {self.seen_at:%Y-%m-%d %H:%M} UTC" if self.seen_at else "yet"
            result.append(f"The {who} has not reported {since}.")
        elif self.seen_at - now > _SILENT:
            at = f"{self.seen_at:%Y-%m-%d %H:%M} UTC"
            result.append(f"The {who} reported at {at}, which is in the future. Check its clock.")
        if self.set_aside:
            result.append(
                f"{count(self.set_aside, 'file')} of the {who} cannot be read. See the folder "
                f"incoming/{self.node}/{SET_ASIDE} of the archive."
            )
        if self.missing:
            result.append(
                f"{count(self.missing, 'part')} of the {who} never arrived. If lost, run: "
                f"python -m trail ingest accept {self.node} --reason TEXT"
            )
        return result

    def to_dict(self) -> dict[str, object]:
        """Return the fields as `status --json` prints them."""
        return {
            "node": self.node,
            "seen_at": utc_text(self.seen_at) if self.seen_at else None,
            "log_bytes": self.log_bytes,
            "waiting_parts": self.waiting_parts,
            "waiting_bytes": self.waiting_bytes,
            "set_aside": self.set_aside,
            "missing": self.missing,
        }


def nodes(engine: Engine, settings: Settings) -> list[NodeStatus]:
    """Return the ingest processes that have a folder, by name."""
    try:
        folders = parts.folders(settings.store.incoming)
    except OSError:  # none yet, or it cannot be read, which the job reports
        return []
    return [_status(folder, _progress(engine, folder.name).values()) for folder in folders]


def accept_missing(store: Store, settings: Settings, node: str) -> int:
    """Report the parts of *node* that never arrived no more; return how many there were.

    One that appears nevertheless is stored. Raises `InputError` if there is no such ingest process.
    """
    found = {status.node: status for status in nodes(store, settings)}
    if node not in found:
        known = ", ".join(found) or "none"
        raise InputError(f"Unknown ingest process {node!r}.", f"Known: {known}.")

    def accept(cursor: Cursor) -> None:
        for source in _progress(store, node):
            progress = Progress.of(cursors.read(cursor, source))
            progress.accepted = progress.last
            cursors.put(cursor, source, progress.mark())

    store.write(accept)
    return found[node].missing


def _progress(engine: Engine, node: str) -> dict[str, Progress]:
    """Return by mark what is stored of each process that had the name *node*."""
    marks = engine.table(
        "select source, mark from marks where starts_with(source, $prefix) order by source",
        {"prefix": part_progress.prefix(node)},
    )
    return {row["source"]: Progress.of(row["mark"]) for row in marks.to_pylist()}


def _status(folder: Path, processes: Iterable[Progress]) -> NodeStatus:
    try:
        waiting = parts.waiting(folder)
        aside = list((folder / SET_ASIDE).glob("*.parquet"))
    except OSError:  # it cannot be read, which the job reports
        waiting, aside = [], []
    present = {parts.sequence_of(path, folder.name) for path in (*waiting, *aside)}
    sizes = []
    for path in waiting:
        try:
            sizes.append(path.lstat().st_size)
        except FileNotFoundError:  # taken meanwhile
            continue
    return NodeStatus(
        folder.name,
        *_report(folder / REPORT),
        waiting_parts=len(sizes),
        waiting_bytes=sum(sizes),
        set_aside=len(aside),
        missing=sum(progress.never_arrived(present) for progress in processes),
    )


def _report(path: Path) -> tuple[dt.datetime | None, int]:
    """Return when a node reported last, and the bytes in its log; None and 0 without a report."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):  # a pipe is never read to its end
            return None, 0
        with path.open("rb") as file:
            report = orjson.loads(file.read(_REPORT_BYTES))
        return naive_utc(dt.datetime.fromisoformat(report["seen_at"])), int(report["waiting_bytes"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None, 0
