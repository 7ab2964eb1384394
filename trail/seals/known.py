"""The note beside the database of how many events it ever took in, and what it has lost since.

Separate from the seals because it is for the open end: days that have not closed, and what a cut
write-ahead log takes away without an error. `watching` writes it after commits; here it is read
for the pages, for verify and for `/healthz`.
"""

import datetime as dt
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trail import private_file

LONG_AGO = dt.datetime.fromisoformat("2000-01-01")

_SETTLE = "When that is done: python -m trail seal --accept --reason TEXT"

Note = dict[str, Any]

# Whoever changes the note holds this from reading to writing.
writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Shortfall:
    """The database was shorter at *found_at* than at *was_at*: *there* events of *was*.

    What is lost happened from *lost_from* to *lost_to*. Times are UTC without a zone. *deleted*
    says that loads still count the events: only their rows are gone. *restored_from* is when the
    copy was made that a person has put in its place: no alarm, but to be known.
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
        """Return what is wrong, what to pull again and how to end this, in words."""
        if self.restored_from:
            return f"{self._restored()} {self._again()} {_SETTLE}"
        words = (
            f"The database has lost {self.was - self.there:,} of {self.was:,} events that it had "
            f"on {self.was_at:%Y-%m-%d at %H:%M:%S} UTC: "
        )
        if self.deleted:
            return f"{words}they were deleted past the trail. Run: python -m trail verify"
        words += "its log was cut, or an older copy was put in its place."
        return f"{words} {self._again()} {_SETTLE}"

    def _restored(self) -> str:
        gone = self.was - self.there
        words = f"{gone:,} events newer than it are missing." if gone else "What came later is not."
        return (
            f"The trail was restored on {self.found_at:%Y-%m-%d at %H:%M} UTC from a copy of "
            f"{self.restored_from:%Y-%m-%d %H:%M} UTC: {words}"
        )

    def _again(self) -> str:
        if self.lost_from is None or self.lost_to is None:
            return "Pull everything again: python -m trail pull --since 90d"
        return (
            f"Pull again what happened from {self.lost_from:%Y-%m-%d %H:%M} to "
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
            moment(each.get("restored_from")),
        )
        for each in read(path).get("short", [])
    )


def seals(path: Path) -> int:
    """Return how many seals the database had at most, by the note at *path*."""
    found = read(path).get("seals", 0)
    return found if isinstance(found, int) else 0


def restored(path: Path, found: Shortfall) -> None:
    """Note that a copy was put in the place of the trail at *path*; `settle` ends it."""
    with writing:
        note = read(path)
        short = {
            "found_at": found.found_at.isoformat(),
            "was_at": found.was_at.isoformat(),
            "was": found.was,
            "there": found.there,
            "from": found.lost_from.isoformat() if found.lost_from else None,
            "to": found.lost_to.isoformat() if found.lost_to else None,
        }
        if found.restored_from:
            short["restored_from"] = found.restored_from.isoformat()
        write(path, {**note, "short": [*note.get("short", []), short]})


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
    """Write *note* atomically, so that it survives a power loss."""
    private_file.replace(path, json.dumps(note))
