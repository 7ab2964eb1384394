"""Is the database shorter than it was? A note beside it says how many events it ever took in.

Separate from the seals because it is for the open end: days that have not closed, and what a cut
write-ahead log takes away without an error. The note follows each commit within about a second;
it counts events that are there and events that were lawfully removed, so that a purge, or a crash
in the midst of one, changes nothing.
"""

import contextlib
import datetime as dt
import json
import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trail.errors import TrailError
from trail.seals import keys
from trail.store import Store, utc_now

_log = logging.getLogger("trail.seals")

_EVERY_S = 1.0
_MOST_STEPS = 100
_LONG_AGO = dt.datetime.fromisoformat("2000-01-01")

Note = dict[str, Any]

# `total` is what loads say they kept, batches that are gone among them; `there` is what the rows
# and the purges say. A cut log or an older copy lowers both, a deletion beside the trail only one.
_TOTAL = """
select (select coalesce(sum(kept), 0) from batches)
 + (select coalesce(sum(events), 0) from removals
    where batch_id is null or batch_id not in (select batch_id from batches)) as total,
 (select count(*) from events) + (select coalesce(sum(events), 0) from removals) as there,
 (select coalesce(max(batch_id), 0) from batches) as batch
"""


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
            _time(each["found_at"]) or _LONG_AGO,
            _time(each["was_at"]) or _LONG_AGO,
            int(each["was"]),
            int(each["there"]),
            _time(each["from"]),
            _time(each["to"]),
            bool(each.get("deleted")),
        )
        for each in _read(path).get("short", [])
    )


def settle(path: Path) -> int:
    """Forget what is noted as lost, once it was pulled again or is given up; return how many."""
    with _writing:
        note = _read(path)
        done = len(note.pop("short", []))
        if done:
            _write(path, note)
    return done


def watch(store: Store, path: Path) -> tuple[Shortfall, ...]:
    """Hold *store* against the note at *path*, and note from now on; return what is lost.

    It goes on until the store closes. A loss stays noted until it is settled.
    """
    watching = _Watch(store, path)
    watching.look()
    found = shortfalls(path)
    for each in found:
        _log.error("%s", each.text())
    watching.begin()
    return found


class _Watch:
    """Notes after commits, on a thread of its own: the writer waits for no disk."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self._path = path
        self._due = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trail-known", daemon=True)

    def begin(self) -> None:
        self._store.committed = self._due.set
        self._store.beforehand.callback(self._end)
        self._thread.start()

    def look(self) -> None:
        """Compare, and write the note anew where it differs."""
        with _writing:
            before = _read(self._path)
            after = _next(self._store, before)
            if after is not None:
                _write(self._path, after)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._due.wait()
            self._due.clear()
            self._try()
            self._ending.wait(_EVERY_S)

    def _try(self) -> None:
        try:
            self.look()
        except (TrailError, OSError) as error:
            _log.warning("what the database holds could not be noted: %s", error)

    def _end(self) -> None:
        self._ending.set()
        self._due.set()
        self._thread.join()
        self._try()


_writing = threading.Lock()


def _next(store: Store, note: Note) -> Note | None:
    """Return the note that is true now, or None where *note* is."""
    found = store.table(_TOTAL).to_pylist()[0]
    total, there, now = int(found["total"]), int(found["there"]), utc_now()
    was = int(note.get("total", 0))
    made = {"total": total, "there": there, "batch": int(found["batch"])}
    if all(note.get(name) == value for name, value in made.items()):
        return None
    steps = list(note.get("steps", []))
    short = list(note.get("short", []))
    if total < was:
        lost = [step for step in steps if step["total"] > total]
        steps = [step for step in steps if step["total"] <= total]
        short.append(_lost(note, now, was, total, lost))
    elif there - total < min(int(note.get("there", 0)) - was, 0):
        short.append({**_lost(note, now, total, there, []), "deleted": True})
    if total > was:
        steps = _thinned([*steps, _step(store, note, total, now)])
    after = {**made, "at": now.isoformat(), "steps": steps}
    return {**after, "short": short} if short else after


def _lost(note: Note, now: dt.datetime, was: int, there: int, steps: list[Note]) -> Note:
    return {
        "found_at": now.isoformat(),
        "was_at": note["at"],
        "was": was,
        "there": there,
        "from": min((step["from"] for step in steps if step["from"]), default=None),
        "to": max((step["to"] for step in steps if step["to"]), default=None),
    }


def _step(store: Store, note: Note, total: int, now: dt.datetime) -> dict[str, Any]:
    """Return what came since *note*: arrival times rise, so that only new rows are read."""
    steps = note.get("steps", [])
    since = _time(steps[-1].get("newest") if steps else None) or _LONG_AGO
    span = store.table(
        "select min(occurred_at) as first, max(occurred_at) as last, max(ingested_at) as newest "
        f"from events where ingested_at > timestamp '{since.isoformat(sep=' ')}'"
    ).to_pylist()[0]
    return {
        "newest": (span["newest"] or since).isoformat(),
        "total": total,
        "at": now.isoformat(),
        "from": span["first"].isoformat() if span["first"] else None,
        "to": span["last"].isoformat() if span["last"] else None,
    }


def _thinned(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return *steps*, the two oldest made one where there are too many."""
    if len(steps) <= _MOST_STEPS:
        return steps
    first, second = steps[:2]
    times = [each for each in (first["from"], second["from"]) if each]
    ends = [each for each in (first["to"], second["to"]) if each]
    return [
        {**second, "from": min(times, default=None), "to": max(ends, default=None)},
        *steps[2:],
    ]


def _time(text: object) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _read(path: Path) -> Note:
    """Return the note, or an empty one where there is none or it is damaged."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _write(path: Path, note: Note) -> None:
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
