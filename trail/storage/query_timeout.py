"""How long a question to the database may run: people wait for an answer, jobs take their time.

Separate because only the gates know who asks: a page and a route of the API open `within`, and
every question asked inside it is interrupted when it runs too long. Jobs, commands and downloads
are not bounded; a download ends with the connection that takes it.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Protocol

_AGAIN_S = 0.05
_seconds: ContextVar[float] = ContextVar("seconds", default=0.0)


class Interruptible(Protocol):
    """What runs a query and can be stopped from another thread."""

    def interrupt(self) -> None:
        """Stop the question that runs now."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound each question that this thread asks inside the block to *seconds*; 0 bounds none."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


def allowed() -> float:
    """Return the seconds that a question of this thread may run; 0 for any time."""
    return _seconds.get()


@contextlib.contextmanager
def bounded(cursor: Interruptible) -> Iterator[None]:
    """Interrupt *cursor* when the block runs longer than is allowed here."""
    seconds = allowed()
    if not seconds:
        yield
        return
    key = _WATCH.add(cursor, time.monotonic() + seconds)
    try:
        yield
    finally:
        _WATCH.remove(key)


class _Watch:
    """One thread for all questions: it sleeps until the first of them runs too long."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: dict[int, tuple[float, Interruptible]] = {}
        self._last = 0
        self._thread: threading.Thread | None = None

    def add(self, cursor: Interruptible, until: float) -> int:
        with self._changed:
            self._last += 1
            self._running[self._last] = until, cursor
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="trail-watch", daemon=True)
                self._thread.start()
            elif len(self._running) == 1:
                self._changed.notify()
            return self._last

    def remove(self, key: int) -> None:
        """Forget a question; once this returns it is not interrupted any more."""
        with self._changed:
            self._running.pop(key, None)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for key, (until, cursor) in self._running.items():
                    if until <= now:
                        cursor.interrupt()
                        # Again until it ends: one that comes between two steps is forgotten.
                        self._running[key] = now + _AGAIN_S, cursor
                first = min((until for until, _ in self._running.values()), default=None)
                self._changed.wait(None if first is None else first - now)


_WATCH = _Watch()
