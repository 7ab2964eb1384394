"""The writer of the access log: collects entries in memory and stores them from a thread.

Requests never wait for it. While the demo workspace is shown, entries go into its database and
into the spool, from which the workspace's own database takes them later.
"""

import datetime as dt
import logging
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as Late
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa

from trail.access_log import refused
from trail.access_log import spool as access_waiting
from trail.access_log.entry import EPOCH, Entry, from_dict
from trail.access_log.refused import Refusals
from trail.storage import ledger
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

MERGE_WINDOW = dt.timedelta(minutes=10)  # identical entries within it are counted in one row
_MAX_OPEN = 2_000  # rows that can still be merged
_POLL_S, _COLLECT_S = 5.0, 0.5
_log = logging.getLogger("trail.access")

# The store to write to, and whether it is the workspace's own.
Place = Callable[[], tuple[Store, bool]]
# Whether old entries may be removed from the store at a time: not while its clock is implausible.
Trims = Callable[[Store, dt.datetime], bool]
_SCHEMA = pa.schema(
    [
        *((name, pa.timestamp("us")) for name in ("first_at", "last_at")),
        *((name, pa.int64()) for name in ("entry_id", "times", "row_count", "byte_count")),
        *((name, pa.string()) for name in ("kind", "username", "role", "address", "what")),
        *((name, pa.string()) for name in ("detail", "file_format", "digest")),
    ]
)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def always(_store: Store, _now: dt.datetime) -> bool:
    """Return true: old entries may be removed at any time."""
    return True


class Writer:
    """The entries that are not stored yet, and the thread that stores them."""

    def __init__(
        self,
        place: Place | None,
        spool: Path,
        days: int,
        clock: Callable[[], dt.datetime] = _now,
        trims: Trims = always,
    ) -> None:
        """Without a *place*, each entry is written to the spool folder immediately."""
        self._place, self._spool, self._days, self._clock = place, spool, days, clock
        self._trims = trims
        self._lock, self._storing = threading.Lock(), threading.Lock()
        self._pending: dict[int, Entry] = {}
        self._open: dict[tuple[str, ...], Entry] = {}
        self._refusals = Refusals(MERGE_WINDOW)
        self._last_id = 0
        self._seen: set[str] = set()
        self._trimmed: dt.date | None = None
        self._due, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._loop, name="trail-access", daemon=True)
        if place is not None:
            self._thread.start()

    def record(self, entry: Entry, *, merge: bool) -> None:
        """Take *entry*; with *merge*, count it in an identical one of the last ten minutes.

        Refusals are counted as in `refused`.
        """
        now = self._clock().replace(tzinfo=None)
        with self._lock:
            if refused.counts(entry.kind):
                line = replace(entry)
                known, is_logged = self._refusals.add(entry, now, lambda new: self._make(new, now))
            else:
                line = entry
                known, is_logged = self._take(entry, now, merge=merge)
            self._pending[known.entry_id] = known
        if is_logged:
            line.log()
        if self._place is None:
            self._spool_all()
        else:
            self._due.set()

    def _take(self, entry: Entry, now: dt.datetime, *, merge: bool) -> tuple[Entry, bool]:
        key = (entry.kind, entry.username, entry.address, entry.what, entry.detail)
        known = self._open.get(key) if merge else None
        if known is not None and now - known.first_at < MERGE_WINDOW:
            known.times, known.last_at = known.times + 1, now
            return known, False
        self._make(entry, now)
        if merge:
            self._open.pop(key, None)
            while len(self._open) >= _MAX_OPEN:  # the oldest is not merged into any more
                del self._open[next(iter(self._open))]
            self._open[key] = entry
        return entry, True

    def _make(self, entry: Entry, now: dt.datetime) -> None:
        micros = (now - EPOCH) // dt.timedelta(microseconds=1)
        self._last_id = max(self._last_id + 1, micros)
        entry.entry_id, entry.first_at, entry.last_at = self._last_id, now, now

    def flush(self, seconds: float) -> None:
        """Store all entries so far, so that they can be read; give up after *seconds*."""
        if self._place is not None and self._storing.acquire(timeout=seconds):
            try:
                self._store(seconds)
            finally:
                self._storing.release()

    def close(self) -> None:
        """Store the rest and stop the thread."""
        self._ending.set()
        self._due.set()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        while not self._ending.is_set():
            self._due.wait(_POLL_S)
            self._ending.wait(_COLLECT_S)
            self._due.clear()
            with self._storing:
                self._store()
        with self._storing:
            self._store()

    def _store(self, seconds: float | None = None) -> None:
        """Store pending and spooled entries; on failure, keep them for the next attempt."""
        with self._lock:
            taken, self._pending = self._pending, {}
            rows = [replace(entry) for entry in taken.values()]
        try:
            self._write(rows, seconds)
        except Exception as problem:
            with self._lock:
                self._pending = {**taken, **self._pending}
            if not isinstance(problem, Late):
                _log.exception("access log: %d entries wait for the next attempt", len(rows))

    def _write(self, rows: list[Entry], seconds: float | None) -> None:
        assert self._place is not None
        store, own = self._place()
        if not own:
            for entry in rows:
                access_waiting.write(self._spool, entry.entry_id, entry.to_dict())
        names = [n for n in access_waiting.pending(self._spool) if own or n not in self._seen]
        entries = {spooled.entry_id: spooled for name in names if (spooled := self._read(name))}
        entries |= {entry.entry_id: entry for entry in rows}
        if entries:
            stored = list(entries.values())
            store.submit(lambda cursor: _upsert(cursor, stored), versioned=False).result(seconds)
        if own:
            access_waiting.delete(self._spool, names)
        else:
            self._seen.update(names)
        if self._trimmed != self._clock().date() and self._trims(store, self._clock()):
            self._trim(store)

    def _read(self, name: str) -> Entry | None:
        try:
            return from_dict(access_waiting.read(self._spool, name))
        except (ValueError, TypeError, KeyError, LookupError, OSError):
            _log.warning("access log: skipping %s, which is not an entry", name)
            return None

    def _trim(self, store: Store) -> None:
        edge = self._clock().replace(tzinfo=None) - dt.timedelta(days=self._days)
        gone = store.write(lambda cursor: _remove_before(cursor, edge))
        self._trimmed = self._clock().date()
        if gone:
            detail = f"before {edge:%Y-%m-%d}, by auth.access_days"
            self.record(Entry("trimmed", detail=detail, row_count=gone), merge=False)

    def _spool_all(self) -> None:
        with self._lock:
            taken, self._pending = self._pending, {}
        for entry in taken.values():
            try:
                access_waiting.write(self._spool, entry.entry_id, entry.to_dict())
            except OSError as problem:
                _log.warning("access log: cannot spool an entry: %s", problem.strerror)


def _upsert(cursor: Cursor, entries: list[Entry]) -> None:
    """Store *entries*, replacing earlier states of the same entries."""
    rows = pa.Table.from_pylist([asdict(entry) for entry in entries], _SCHEMA)
    cursor.register("new_entries", rows)
    try:
        here = "entry_id >= $least and entry_id in (select entry_id from new_entries)"
        least = {"least": min(entry.entry_id for entry in entries)}
        with ledger.changing(cursor, "access_log", here, least):
            cursor.execute(f"delete from access_log where {here}", least)
            cursor.execute("insert into access_log by name select * from new_entries")
    finally:
        cursor.unregister("new_entries")


def _remove_before(cursor: Cursor, edge: dt.datetime) -> int:
    gone = cursor.execute("delete from access_log where last_at < $edge", {"edge": edge}).fetchone()
    if gone and gone[0]:
        ledger.trim(cursor, "access_log", "last_at", edge)
    return int(gone[0]) if gone else 0
