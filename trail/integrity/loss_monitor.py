"""Detect data loss: compare the database with its high-water mark, and update the mark.

Compared when the database opens; updated within about a second after each commit. It counts stored
events and events removed by retention, so that a purge, or a crash during one, is not a loss.
"""

import datetime as dt
import logging
import threading
from pathlib import Path
from typing import Any

from trail.core.clock import utc_now
from trail.core.errors import TrailError
from trail.integrity import high_water_mark
from trail.integrity.high_water_mark import LONG_AGO, Note, Shortfall, moment
from trail.storage.duckdb import Store

_log = logging.getLogger("trail.seals")

_INTERVAL_S = 1.0
_MAX_STEPS = 100

# `total` is what batches kept, deleted batches included; `there` is stored rows plus removals. A
# truncated log or an older copy lowers both, a deletion outside this product only the latter.
TOTAL = """
select (select coalesce(sum(kept), 0) from batches)
 + (select coalesce(sum(events), 0) from removals
    where batch_id is null or batch_id not in (select batch_id from batches)) as total,
 (select count(*) from events) + (select coalesce(sum(events), 0) from removals) as there,
 (select coalesce(max(batch_id), 0) from batches) as batch,
 (select count(*) from seals) as seals
"""


def watch(store: Store, path: Path) -> tuple[Shortfall, ...]:
    """Compare *store* with the mark at *path*, and update it until the store closes.

    Returns the recorded losses; a loss stays recorded until it is resolved.
    """
    monitor = _Monitor(store, path)
    monitor.update()
    losses = high_water_mark.shortfalls(path)
    for loss in losses:
        _log.error("%s", loss.text())
    monitor.start()
    return losses


class _Monitor:
    """Updates the mark after commits, on a thread of its own, so that the writer never waits."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self._path = path
        self._committed = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trail-known", daemon=True)

    def start(self) -> None:
        self._store.committed = self._committed.set
        self._store.beforehand.callback(self._stop)
        self._thread.start()

    def update(self) -> None:
        """Compare, and write the mark if it differs."""
        with high_water_mark.writing:
            before = high_water_mark.read(self._path)
            after = _next(self._store, before)
            if after is not None:
                high_water_mark.write(self._path, after)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._committed.wait()
            self._committed.clear()
            self._update_or_log()
            self._stopping.wait(_INTERVAL_S)

    def _update_or_log(self) -> None:
        try:
            self.update()
        except (TrailError, OSError) as error:
            _log.warning("cannot update the high-water mark: %s", error)

    def _stop(self) -> None:
        self._stopping.set()
        self._committed.set()
        self._thread.join()
        self._update_or_log()


def _next(store: Store, note: Note) -> Note | None:
    """Return the new mark, or None if *note* is up to date."""
    counts = store.table(TOTAL).to_pylist()[0]
    total, there, now = int(counts["total"]), int(counts["there"]), utc_now()
    was = int(note.get("total", 0))
    current: dict[str, Any] = {"total": total, "there": there, "batch": int(counts["batch"])}
    current["ledger"] = _heads(store, note.get("ledger", {}))
    current["seals"] = max(int(counts["seals"]), int(note.get("seals", 0)))
    if all(note.get(name) == value for name, value in current.items()):
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
    after = {**current, "at": now.isoformat(), "steps": steps}
    return {**after, "short": short} if short else after


def _heads(store: Store, recorded: dict[str, Any]) -> dict[str, Any]:
    """Return number and hash of the newest entry of each ledger.

    A head that the database no longer contains stays *recorded*, for verification to report.
    """
    rows = store.table(
        "select chain, min(number) as first, max(number) as last, arg_max(hash, number) as hash "
        "from ledger group by chain order by chain"
    ).to_pylist()
    heads = {row["chain"]: [row["last"], row["hash"]] for row in rows}
    firsts = {row["chain"]: row["first"] for row in rows}
    for chain, (number, hash_) in recorded.items():
        found = store.table(
            "select hash from ledger where chain = $chain and number = $number",
            {"chain": chain, "number": number},
        )["hash"].to_pylist()
        if found != [hash_] and number >= firsts.get(chain, 0):
            heads[chain] = [number, hash_]
    return heads


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
    """Return the step since *note*; reads only rows that arrived later."""
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
    """Return *steps*, the two oldest merged if there are too many."""
    if len(steps) <= _MAX_STEPS:
        return steps
    oldest = steps[:2]
    start = min((step["from"] for step in oldest if step["from"]), default=None)
    end = max((step["to"] for step in oldest if step["to"]), default=None)
    return [{**steps[1], "from": start, "to": end}, *steps[2:]]
