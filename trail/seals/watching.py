"""Is the database shorter than it was? Compared when it opens, and noted after each commit.

Separate from the note itself, since this runs on a thread as long as the store is open. The note
follows each commit within about a second; it counts events that are there and events that were
lawfully removed, so that a purge, or a crash in the midst of one, changes nothing.
"""

import datetime as dt
import logging
import threading
from pathlib import Path
from typing import Any

from trail.errors import TrailError
from trail.seals import known
from trail.seals.known import LONG_AGO, Note, Shortfall, moment
from trail.store import Store, utc_now

_log = logging.getLogger("trail.seals")

_EVERY_S = 1.0
_MOST_STEPS = 100

# `total` is what loads say they kept, batches that are gone among them; `there` is what the rows
# and the purges say. A cut log or an older copy lowers both, a deletion beside the trail only one.
TOTAL = """
select (select coalesce(sum(kept), 0) from batches)
 + (select coalesce(sum(events), 0) from removals
    where batch_id is null or batch_id not in (select batch_id from batches)) as total,
 (select count(*) from events) + (select coalesce(sum(events), 0) from removals) as there,
 (select coalesce(max(batch_id), 0) from batches) as batch,
 (select count(*) from seals) as seals
"""


def watch(store: Store, path: Path) -> tuple[Shortfall, ...]:
    """Hold *store* against the note at *path*, and note from now on; return what is lost.

    It goes on until the store closes. A loss stays noted until it is settled.
    """
    watching = _Watch(store, path)
    watching.look()
    found = known.shortfalls(path)
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
        with known.writing:
            before = known.read(self._path)
            after = _next(self._store, before)
            if after is not None:
                known.write(self._path, after)

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


def _next(store: Store, note: Note) -> Note | None:
    """Return the note that is true now, or None where *note* is."""
    found = store.table(TOTAL).to_pylist()[0]
    total, there, now = int(found["total"]), int(found["there"]), utc_now()
    was = int(note.get("total", 0))
    made = {"total": total, "there": there, "batch": int(found["batch"])}
    made["seals"] = max(int(found["seals"]), int(note.get("seals", 0)))
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
    since = moment(steps[-1].get("newest") if steps else None) or LONG_AGO
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
