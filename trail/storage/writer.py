"""The one writer of a database: jobs from a queue, one at a time, each in a transaction."""

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from trail.core import clock
from trail.core.errors import UnavailableError
from trail.storage.connection import Cursor

T = TypeVar("T")
Explained = Callable[[], contextlib.AbstractContextManager[None]]


class Writer:
    """A thread that runs jobs on *cursor*, which it closes at the end.

    *explained* gives the block in which each runs. *changed* is called after each that changed the
    data or failed, and *committed* after each that was committed, both on the thread.
    """

    def __init__(
        self,
        cursor: Cursor,
        path: Path,
        explained: Explained,
        changed: Callable[[], None],
        committed: Callable[[], None],
    ) -> None:
        self._cursor, self._path = cursor, path
        self._explained, self._changed, self._committed = explained, changed, committed
        self._jobs: queue.SimpleQueue[_Queued | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="trail-writer", daemon=True)
        self._thread.start()

    def queue(
        self, job: Callable[[Cursor], T], *, transaction: bool, versioned: bool = True
    ) -> "Future[T]":
        """Queue *job*, with a *transaction* around it if it needs one.

        Without *versioned*, what it changes does not count as a change of the data. Raises
        `UnavailableError` once the writer is closed.
        """
        future: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise UnavailableError("The store is stopping.", "Try again in a moment.")
            self._jobs.put(_Queued(clock.carried(job), future, transaction, versioned))
        return future

    def close(self) -> bool:
        """Finish the queued jobs; return whether the writer was open."""
        with self._closing:
            if self._closed:
                return False
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        return True

    def _run(self) -> None:
        cursor = self._cursor
        while (item := self._jobs.get()) is not None:
            if not item.future.set_running_or_notify_cancel():
                continue
            before = self._log_bytes()
            try:
                with self._explained():
                    if item.transaction:
                        cursor.execute("begin")
                    result = item.job(cursor)
                    if item.transaction:
                        cursor.execute("commit")
                # A transaction without changes adds nothing to the log.
                if (
                    item.transaction
                    and item.versioned
                    and (before is None or before != self._log_bytes())
                ):
                    self._changed()
            except BaseException as error:
                self._changed()
                with contextlib.suppress(duckdb.Error):
                    cursor.execute("rollback")
                item.future.set_exception(error)
            else:
                if item.transaction:
                    self._committed()
                item.future.set_result(result)
            del item  # a job may hold the records of a whole chunk
        cursor.close()

    def _log_bytes(self) -> int | None:
        """Return the length of the write-ahead log, which only grows until it is removed."""
        try:
            return self._path.with_name(f"{self._path.name}.wal").stat().st_size
        except FileNotFoundError:
            return None


@dataclass(frozen=True, slots=True)
class _Queued:
    """A job for the writer, who waits for it, if it needs a transaction, if it changes data."""

    job: Callable[[Cursor], Any]
    future: Future[Any]
    transaction: bool
    versioned: bool
