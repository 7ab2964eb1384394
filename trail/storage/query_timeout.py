"""How long the queries of a request may run, and how they are stopped when nobody waits for them.

Separate because only the gates know who asks: a page, a route and an export enter a `QueryScope`,
and every query that is run inside it is interrupted when it runs too long, or when the request has
ended. Queries outside of a scope, such as those of jobs, are not bounded.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Protocol

from trail.core.errors import StoppedError, UnavailableError

_AGAIN_S = 0.05
_POLL_S = 0.1


class Interruptible(Protocol):
    """What runs a query and can be stopped from another thread."""

    def interrupt(self) -> None:
        """Stop the query that runs now."""

    def query_progress(self) -> float:
        """Return the percentage of the query that is done; -1 if it is not known."""


class QueryScope:
    """The time limits in seconds of one request: of each query and of all together; 0 is no limit.

    *has_ended* is called several times a second, from another thread, until it returns true; the
    scope is stopped then.
    """

    def __init__(
        self, seconds: float, total: float = 0, has_ended: Callable[[], bool] | None = None
    ) -> None:
        self.seconds, self.total, self.has_ended = seconds, total, has_ended
        self.is_stopped = False
        self._used = 0.0
        self._on_stop: list[Callable[[], None]] = []

    def stop(self) -> None:
        """Interrupt the queries that run now, and refuse later ones."""
        with _WATCH.changed:
            if self.is_stopped:
                return
            self.is_stopped = True
            _WATCH.expire(self)
            callbacks = list(self._on_stop)
        for callback in callbacks:
            callback()

    @contextlib.contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call *callback* once if the scope is stopped inside the block, from the thread there."""
        with _WATCH.changed:
            self._on_stop.append(callback)
            is_stopped = self.is_stopped
        if is_stopped:
            callback()
        try:
            yield
        finally:
            with _WATCH.changed:
                self._on_stop.remove(callback)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Bound each query that this thread or task runs inside the block."""
        token = _scope.set(self)
        if self.has_ended:
            _WATCH.poll(self)
        try:
            yield
        finally:
            _scope.reset(token)
            if self.has_ended:
                _WATCH.forget(self)

    @contextlib.contextmanager
    def ending_when(self, has_ended: Callable[[], bool]) -> Iterator[None]:
        """Ask *has_ended* in place of its own function inside the block."""
        before, self.has_ended = self.has_ended, has_ended
        try:
            yield
        finally:
            self.has_ended = before

    def check(self) -> None:
        """Raise `StoppedError` if nobody waits any more."""
        if self.is_stopped:
            raise StoppedError("The request has ended.")

    def problem(self) -> UnavailableError:
        """Return why the query that ran last was interrupted."""
        if self.is_stopped:
            return StoppedError("The request has ended.")
        spent = bool(self.total) and self._used >= self.total
        return UnavailableError(
            f"This took longer than {self.total if spent else self.seconds:g} seconds and was "
            "stopped.",
            "Choose a shorter time or a narrower filter.",
        )

    def allowed(self) -> float:
        """Return the seconds that the next query may run; 0 for any time."""
        if not self.total:
            return self.seconds
        # Never 0, which would be no limit.
        left = max(self.total - self._used, 0.000_001)
        return min(self.seconds, left) if self.seconds else left

    def progress(self) -> int | None:
        """Return the percentage that is done of the query that runs now; None if not known."""
        with _WATCH.changed:
            found = _WATCH.progress(self)
        return min((int(one) for one in found if one >= 0), default=None)

    def spend(self, seconds: float) -> None:
        """Count *seconds* that a query ran."""
        self._used += seconds


_UNBOUNDED = QueryScope(0)
_scope: ContextVar[QueryScope] = ContextVar("scope", default=_UNBOUNDED)


def current() -> QueryScope | None:
    """Return the scope that this thread or task is in, if any."""
    scope = _scope.get()
    return None if scope is _UNBOUNDED else scope


def unbounded() -> contextlib.AbstractContextManager[None]:
    """Leave the scope that this thread is in for the block, for work that must be completed."""
    return _UNBOUNDED.entered()


def within(seconds: float) -> contextlib.AbstractContextManager[None]:
    """Bound each query that this thread runs inside the block to *seconds*; 0 bounds none."""
    return QueryScope(seconds).entered()


def allowed() -> float:
    """Return the seconds that a query of this thread may run; 0 for any time."""
    return _scope.get().allowed()


def problem() -> UnavailableError:
    """Return why the query that this thread ran last was interrupted."""
    return _scope.get().problem()


def part(seconds: float) -> contextlib.AbstractContextManager[None]:
    """Bound the queries of the block to *seconds* altogether, as a part of the request it is in.

    They still end with that request. Longer ones raise `UnavailableError`, after which the request
    can go on.
    """
    request = _scope.get()
    allowed_s = min(seconds, request.allowed() or seconds)
    return QueryScope(allowed_s, allowed_s, lambda: request.is_stopped).entered()


@contextlib.contextmanager
def bounded(cursor: Interruptible) -> Iterator[None]:
    """Interrupt *cursor* when the block runs longer than is allowed here, or nobody waits.

    Raises `StoppedError` if nobody waits at the start.
    """
    scope = _scope.get()
    if scope is _UNBOUNDED:
        yield
        return
    started, seconds = time.monotonic(), scope.allowed()
    key = _WATCH.add(cursor, started + seconds if seconds else float("inf"), scope)
    try:
        yield
    finally:
        _WATCH.remove(key)
        scope.spend(time.monotonic() - started)


class _Watch:
    """One thread for all queries: it sleeps until the first of them runs too long."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self._running: dict[int, tuple[float, Interruptible, QueryScope]] = {}
        self._polled: set[QueryScope] = set()
        self._last = 0
        self._wakes_at = float("inf")
        self._thread: threading.Thread | None = None

    def add(self, cursor: Interruptible, until: float, scope: QueryScope) -> int:
        with self.changed:
            scope.check()
            self._last += 1
            self._running[self._last] = until, cursor, scope
            self._wake(until)
            return self._last

    def remove(self, key: int) -> None:
        """Forget a query; once this returns it is not interrupted any more."""
        with self.changed:
            self._running.pop(key, None)

    def expire(self, scope: QueryScope) -> None:
        """Interrupt the queries of *scope*. Called with the lock."""
        for key, (_, cursor, owner) in self._running.items():
            if owner is scope:
                self._running[key] = 0, cursor, owner
        self._wake(0)

    def progress(self, scope: QueryScope) -> list[float]:
        """Return the percentages of the queries of *scope*. Called with the lock."""
        running = list(self._running.values())
        return [cursor.query_progress() for _, cursor, owner in running if owner is scope]

    def poll(self, scope: QueryScope) -> None:
        with self.changed:
            self._polled.add(scope)
            self._wake(time.monotonic() + _POLL_S)

    def forget(self, scope: QueryScope) -> None:
        with self.changed:
            self._polled.discard(scope)

    def _wake(self, until: float) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="trail-watch", daemon=True)
            self._thread.start()
        elif until < self._wakes_at:
            self.changed.notify()

    def _run(self) -> None:
        while True:
            with self.changed:
                now = time.monotonic()
                for key, (until, cursor, scope) in self._running.items():
                    if until <= now:
                        cursor.interrupt()
                        # Again until it ends: one that comes between two steps is forgotten.
                        self._running[key] = now + _AGAIN_S, cursor, scope
                polled = list(self._polled)
            # Without the lock, since what is stopped takes other locks.
            for scope in polled:
                if scope.has_ended and not scope.is_stopped and scope.has_ended():
                    scope.stop()
            with self.changed:
                first = min((until for until, _, _ in self._running.values()), default=float("inf"))
                if self._polled:
                    first = min(first, now + _POLL_S)
                self._wakes_at = first
                self.changed.wait(
                    None if first == float("inf") else max(first - time.monotonic(), 0)
                )
                self._wakes_at = 0


_WATCH = _Watch()
