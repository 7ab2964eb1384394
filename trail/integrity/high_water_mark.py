"""The high-water mark: a file beside the database with the number of events it ever contained.

It detects losses that seals cannot: on days that are not sealed yet, and from a truncated
write-ahead log. `watching` writes it after commits.
"""

import datetime as dt
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trail.core import atomic_file

LONG_AGO = dt.datetime.fromisoformat("2000-01-01")

_RESOLVE = "Then resolve the alarm: python -m trail seal --accept --reason TEXT"

Note = dict[str, Any]

# Held from reading to writing the file.
writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A data loss: at *found_at* the database contained *there* of the *was* events of *was_at*.

    The lost events occurred from *lost_from* to *lost_to*. Times are UTC without zone. *deleted*
    means that batches still count the events, but their rows are missing. *restored_from* is the
    time of the backup if a restore caused the loss.
    """

    found_at: dt.datetime
    was_at: dt.datetime
    was: int
    there: int
    lost_from: dt.datetime | None
    lost_to: dt.datetime | None
    deleted: bool = False
    restored_from: dt.datetime | None = None

    def text(self) -> str:
        """Return what was lost, what to pull again, and how to resolve the alarm."""
        if self.restored_from:
            return f"{self._restored()} {self._pull_again()} {_RESOLVE}"
        text = (
            f"The database has lost {self.was - self.there:,} of the {self.was:,} events that it "
            f"contained on {self.was_at:%Y-%m-%d at %H:%M:%S} UTC: "
        )
        if self.deleted:
            return f"{text}they were deleted outside this product. Run: python -m trail verify"
        text += "its log was truncated, or it was replaced by an older copy."
        return f"{text} {self._pull_again()} {_RESOLVE}"

    def _restored(self) -> str:
        gone = self.was - self.there
        loss = f"{gone:,} newer events are missing." if gone else "later events are missing."
        return (
            f"The trail was restored on {self.found_at:%Y-%m-%d at %H:%M} UTC from a backup of "
            f"{self.restored_from:%Y-%m-%d %H:%M} UTC: {loss}"
        )

    def _pull_again(self) -> str:
        if self.lost_from is None or self.lost_to is None:
            return "Pull everything again: python -m trail pull --since 90d"
        return (
            f"Pull again the events from {self.lost_from:%Y-%m-%d %H:%M} to "
            f"{self.lost_to:%Y-%m-%d %H:%M} UTC: "
            f"python -m trail pull --since {self.lost_from:%Y-%m-%d}"
        )


def shortfalls(path: Path) -> tuple[Shortfall, ...]:
    """Return the unresolved losses recorded at *path*, oldest first."""
    return tuple(
        Shortfall(
            moment(item["found_at"]) or LONG_AGO,
            moment(item["was_at"]) or LONG_AGO,
            int(item["was"]),
            int(item["there"]),
            moment(item["from"]),
            moment(item["to"]),
            bool(item.get("deleted")),
            moment(item.get("restored_from")),
        )
        for item in read(path).get("short", [])
    )


def seals(path: Path) -> int:
    """Return the largest number of seals recorded at *path*."""
    count = read(path).get("seals", 0)
    return count if isinstance(count, int) else 0


def ledger_heads(path: Path) -> dict[str, Any]:
    """Return number and hash of the newest entry of each ledger, as recorded at *path*."""
    heads = read(path).get("ledger", {})
    return heads if isinstance(heads, dict) else {}


def record_restore(path: Path, loss: Shortfall) -> None:
    """Record at *path* that a restore caused *loss*; `resolve` ends it."""
    with writing:
        note = read(path)
        short = {
            "found_at": loss.found_at.isoformat(),
            "was_at": loss.was_at.isoformat(),
            "was": loss.was,
            "there": loss.there,
            "from": loss.lost_from.isoformat() if loss.lost_from else None,
            "to": loss.lost_to.isoformat() if loss.lost_to else None,
        }
        if loss.restored_from:
            short["restored_from"] = loss.restored_from.isoformat()
        write(path, {**note, "short": [*note.get("short", []), short]})


def resolve(path: Path) -> int:
    """Remove the recorded losses, once pulled again or given up; return how many."""
    with writing:
        note = read(path)
        done = len(note.pop("short", []))
        if note:
            write(path, {**note, "seals": 0, "ledger": {}})
    return done


def moment(text: object) -> dt.datetime | None:
    """Return a recorded time, or None."""
    try:
        return dt.datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def read(path: Path) -> Note:
    """Return the recorded fields; empty if the file is missing or damaged."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def write(path: Path, note: Note) -> None:
    """Write *note* atomically and durably."""
    atomic_file.replace(path, json.dumps(note))
