"""Keeping the access log: entries gather in memory, and a thread hands them to the store's writer.

Separate from `access_log` because a request must never wait for it. While the demo is shown they
go into its database, and into files as well, for the workspace's own database to take later.
"""

import datetime as dt
import logging
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as Late
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa

from trail.access_log import spool
from trail.access_log.entry import EPOCH, Entry, whole
from trail.storage.database import Cursor, Store

TOGETHER = dt.timedelta(minutes=10)  # the same again within this is one row with a count
_MOST_OPEN = 2_000  # rows that may still be counted up; past it, strangers share one
_LOOK_S, _GATHER_S = 5.0, 0.5
_log = logging.getLogger("trail.access")

# The store to keep in, and whether it is the workspace's own.
Place = Callable[[], tuple[Store, bool]]
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


class Keeper:
    """What has been noted and is not kept yet, and the thread that keeps it."""

    def __init__(
        self, place: Place | None, waiting: Path, days: int, clock: Callable[[], dt.datetime] = _now
    ) -> None:
        """Without a *place* every entry goes into a file in *waiting*, at once."""
        self._place, self._waiting, self._days, self._clock = place, waiting, days, clock
        self._lock, self._keeping = threading.Lock(), threading.Lock()
        self._pending: dict[int, Entry] = {}
        self._open: dict[tuple[str, ...], Entry] = {}
        self._last_id = 0
        self._seen: set[str] = set()
        self._trimmed: dt.date | None = None
        self._due, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._loop, name="trail-access", daemon=True)
        if place is not None:
            self._thread.start()

    def note(self, entry: Entry, *, together: bool) -> None:
        """Take *entry*; with *together*, count up the same one of the last ten minutes."""
        now = self._clock().replace(tzinfo=None)
        with self._lock:
            key = self._key(entry) if together else ()
            known = self._open.get(key) if together else None
            again = known is not None and now - known.first_at < TOGETHER
            if known and again:
                known.times, known.last_at = known.times + 1, now
                self._pending[known.entry_id] = known
            else:
                micros = (now - EPOCH) // dt.timedelta(microseconds=1)
                self._last_id = max(self._last_id + 1, micros)
                entry.entry_id, entry.first_at, entry.last_at = self._last_id, now, now
                self._pending[entry.entry_id] = entry
                if together:
                    self._remember(key, entry, now)
        if not again:
            entry.say()
        if self._place is None:
            self._put_aside()
        else:
            self._due.set()

    def settle(self, seconds: float) -> None:
        """Keep what has been noted so far, so that it can be read; gives up after *seconds*."""
        if self._place is not None and self._keeping.acquire(timeout=seconds):
            try:
                self._keep(seconds)
            finally:
                self._keeping.release()

    def close(self) -> None:
        """Keep the rest, and stop."""
        self._ending.set()
        self._due.set()
        if self._thread.is_alive():
            self._thread.join()

    def _key(self, entry: Entry) -> tuple[str, ...]:
        if not entry.username and len(self._open) >= _MOST_OPEN:
            # Somebody tries thousands of things: count them, without a row for each.
            entry.what, entry.detail, entry.address = "many", "", ""
        return (entry.kind, entry.username, entry.address, entry.what, entry.detail)

    def _remember(self, key: tuple[str, ...], entry: Entry, now: dt.datetime) -> None:
        if len(self._open) >= _MOST_OPEN:
            for old in [k for k, each in self._open.items() if now - each.first_at >= TOGETHER]:
                del self._open[old]
        self._open[key] = entry

    def _loop(self) -> None:
        while not self._ending.is_set():
            self._due.wait(_LOOK_S)
            self._ending.wait(_GATHER_S)
            self._due.clear()
            with self._keeping:
                self._keep()
        with self._keeping:
            self._keep()

    def _keep(self, seconds: float | None = None) -> None:
        """Bring what is pending, and what waits in files, into the store; else try again later."""
        with self._lock:
            taken, self._pending = self._pending, {}
            rows = [replace(entry) for entry in taken.values()]
        try:
            self._write(rows, seconds)
        except Exception as problem:
            with self._lock:
                self._pending = {**taken, **self._pending}
            if not isinstance(problem, Late):
                _log.exception("access log: %d entries wait for the next try", len(rows))

    def _write(self, rows: list[Entry], seconds: float | None) -> None:
        assert self._place is not None
        store, own = self._place()
        if not own:
            for entry in rows:
                spool.put(self._waiting, entry.entry_id, entry.plain())
        names = [n for n in spool.names(self._waiting) if own or n not in self._seen]
        found = {each.entry_id: each for name in names if (each := self._read(name))}
        found |= {entry.entry_id: entry for entry in rows}
        if found:
            store.submit(lambda cursor: _upsert(cursor, list(found.values()))).result(seconds)
        if own:
            spool.drop(self._waiting, names)
        else:
            self._seen.update(names)
        if self._trimmed != self._clock().date():
            self._trim(store)

    def _read(self, name: str) -> Entry | None:
        try:
            return whole(spool.read(self._waiting, name))
        except (ValueError, TypeError, KeyError, LookupError, OSError):
            _log.warning("access log: %s holds no entry and is passed over", name)
            return None

    def _trim(self, store: Store) -> None:
        edge = self._clock().replace(tzinfo=None) - dt.timedelta(days=self._days)
        gone = store.write(lambda cursor: _remove_before(cursor, edge))
        self._trimmed = self._clock().date()
        if gone:
            words = f"before {edge:%Y-%m-%d}, by auth.access_days"
            self.note(Entry("trimmed", detail=words, row_count=gone), together=False)

    def _put_aside(self) -> None:
        with self._lock:
            taken, self._pending = self._pending, {}
        for entry in taken.values():
            try:
                spool.put(self._waiting, entry.entry_id, entry.plain())
            except OSError as problem:
                _log.warning("access log: an entry could not be kept: %s", problem.strerror)


def _upsert(cursor: Cursor, entries: list[Entry]) -> None:
    """Keep *entries*, in the place of an earlier state of the same ones."""
    rows = pa.Table.from_pylist([asdict(entry) for entry in entries], _SCHEMA)
    cursor.register("noted", rows)
    try:
        cursor.execute(
            "delete from access_log where entry_id >= $least "
            "and entry_id in (select entry_id from noted)",
            {"least": min(entry.entry_id for entry in entries)},
        )
        cursor.execute("insert into access_log by name select * from noted")
    finally:
        cursor.unregister("noted")


def _remove_before(cursor: Cursor, edge: dt.datetime) -> int:
    gone = cursor.execute("delete from access_log where last_at < $edge", {"edge": edge}).fetchone()
    return int(gone[0]) if gone else 0
