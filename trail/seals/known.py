"""The note beside the database of how many events it ever took in, and what it has lost since.

Separate from the seals because it is for the open end: days that have not closed, and what a cut
write-ahead log takes away without an error. `watching` writes it after commits; here it is read
for the pages, for verify and for `/healthz`.
"""

import contextlib
import datetime as dt
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trail.seals import keys

LONG_AGO = dt.datetime.fromisoformat("2000-01-01")

Note = dict[str, Any]

# Whoever changes the note holds this from reading to writing.
writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Shortfall:
    """The database was shorter at *found_at* than at *was_at*: *there* events of *was*.

    What is lost happened from *lost_from* to *lost_to*. Times are UTC without a zone. *deleted*
    says that loads still count the events: only their rows are gone.
    """

    found_at: dt.datetime
    was_at: dt.datetime
    was: int
    there: int
    lost_from: dt.datetime | None
    lost_to: dt.datetime | None
    deleted: bool = False

    def text(self) -> str:
        """Return what is wrong and what to pull again, in words."""
        words = (
            f"The database has lost {self.was - self.there:,} of {self.was:,} events that it had "
            f"on {self.was_at:%Y-%m-%d at %H:%M:%S} UTC: "
        )
        if self.deleted:
            return f"{words}they were deleted past the trail. Run: python -m trail verify"
        words += "its log was cut, or an older copy was put in its place."
        if self.lost_from is None or self.lost_to is None:
            return f"{words} Pull everything again: python -m trail pull --since 90d"
        return (
            f"{words} Pull again what happened from {self.lost_from:%Y-%m-%d %H:%M} to "
            f"{self.lost_to:%Y-%m-%d %H:%M} UTC: "
            f"python -m trail pull --since {self.lost_from:%Y-%m-%d}"
        )


def shortfalls(path: Path) -> tuple[Shortfall, ...]:
    """Return what is noted at *path* as lost and not settled, oldest first."""
    return tuple(
        Shortfall(
            moment(each["found_at"]) or LONG_AGO,
            moment(each["was_at"]) or LONG_AGO,
            int(each["was"]),
            int(each["there"]),
            moment(each["from"]),
            moment(each["to"]),
            bool(each.get("deleted")),
        )
        for each in read(path).get("short", [])
    )


def seals(path: Path) -> int:
    """Return how many seals the database had at most, by the note at *path*."""
    found = read(path).get("seals", 0)
    return found if isinstance(found, int) else 0


def settle(path: Path) -> int:
    """Forget what is noted as lost, once it was pulled again or is given up; return how many."""
    with writing:
        note = read(path)
        done = len(note.pop("short", []))
        if note:
            write(path, {**note, "seals": 0})
    return done


def moment(text: object) -> dt.datetime | None:
    """Return a time of the note, or None."""
    try:
        return dt.datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def read(path: Path) -> Note:
    """Return the note, or an empty one where there is none or it is damaged."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def write(path: Path, note: Note) -> None:
    """Write *note* whole or not at all, and so that it survives a loss of power."""
    fresh = path.with_name(f"{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
    with os.fdopen(os.open(fresh, flags, 0o600), "w", encoding="utf-8") as file:
        json.dump(note, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    keys.sync(path.parent)
