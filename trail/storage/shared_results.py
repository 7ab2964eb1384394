"""Results of queries that page runs and API requests share: many viewers of the same data cost one.

A result belongs to one version of the data of one store (`Store.version`), and is never given out
for another. It depends on nothing but the SQL, its parameters and that version: who asks is checked
before, and what differs between users is not asked here. `within` opens the block whose queries are
shared; jobs, commands and downloads always ask the database.
"""

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from trail.storage import query_timeout

# How often a request that waits for another's query looks whether it has ended itself.
_LOOK_S = 0.1
MAX_BYTES, MAX_ENTRIES = 64 << 20, 2_000
# A larger result would displace too many others.
_MAX_RESULT_BYTES = MAX_BYTES // 8
# Tables of which a commit may leave the version of the data as it is; see `Store.submit`.
UNVERSIONED = (
    *("access_log", "ledger", "user_preferences"),
    *("saved_views", "view_marks", "share_links", "scheduled_exports"),
)

_is_shared: ContextVar[bool] = ContextVar("is_shared", default=False)

T = TypeVar("T")


@contextlib.contextmanager
def within() -> Iterator[None]:
    """Share the results of the queries that this thread asks inside the block."""
    token = _is_shared.set(True)
    try:
        yield
    finally:
        _is_shared.reset(token)


def are_shared(asked: tuple[object, ...]) -> bool:
    """Return whether the result of *asked*, SQL and parameters, is shared here."""
    return _is_shared.get() and not any(name in repr(asked) for name in UNVERSIONED)


class _Flight:
    """One query that runs now, and those who wait for it."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.result: list[Any] = []


def _is_done(flight: _Flight, until: float) -> bool:
    """Wait for *flight*, at most *until* and as long as somebody waits for this request."""
    scope = query_timeout.current()
    while not flight.done.wait(min(max(until - time.monotonic(), 0), _LOOK_S)):
        if time.monotonic() >= until or (scope and scope.is_stopped):
            return flight.done.is_set()
    return True


class Results:
    """The newest used results, within a number of bytes and of entries."""

    def __init__(self, max_bytes: int = MAX_BYTES, max_entries: int = MAX_ENTRIES) -> None:
        self._max_bytes, self._max_entries = max_bytes, max_entries
        self._lock = threading.Lock()
        self._results: OrderedDict[tuple[int, int, str], tuple[Any, int]] = OrderedDict()
        self._flights: dict[tuple[int, int, str], _Flight] = {}
        self._versions: dict[int, int] = {}
        self.bytes = 0
        self.used_at = time.monotonic()

    def __len__(self) -> int:
        """Return the number of results."""
        return len(self._results)

    def result(
        self,
        place: tuple[int, int],
        asked: tuple[object, ...],
        ask: Callable[[], T],
        size_of: Callable[[T], int],
        seconds: float = 0,
    ) -> T | None:
        """Return the result of *ask* for a store and version; None after *seconds* of waiting.

        Callers with equal *asked* (compared as text) wait for the first one, or until their request
        ends, which is None as well. If the first one fails, the next one asks. 0 seconds wait for
        any time. *size_of* returns the bytes of a result, which
        nobody may change.
        """
        store, version = place
        self.used_at = time.monotonic()
        key = (store, version, repr(asked))
        until = time.monotonic() + seconds
        while True:
            with self._lock:
                self._forget_older(store, version)
                if found := self._results.get(key):
                    self._results.move_to_end(key)
                    return cast("T", found[0])
                flight = self._flights.get(key)
                if is_first := flight is None:
                    flight = self._flights[key] = _Flight()
            assert flight
            if is_first:
                return self._run(key, flight, ask, size_of)
            if not _is_done(flight, until if seconds else float("inf")):
                return None
            if flight.result:
                return cast("T", flight.result[0])

    def clear(self) -> None:
        """Drop all results, which take several times the bytes that are counted."""
        with self._lock:
            self._drop(list(self._results))

    def forget(self, store: int) -> None:
        """Drop all results of a store that is closed."""
        with self._lock:
            self._drop([key for key in self._results if key[0] == store])
            self._versions.pop(store, None)

    def _run(
        self,
        key: tuple[int, int, str],
        flight: _Flight,
        ask: Callable[[], T],
        size_of: Callable[[T], int],
    ) -> T:
        try:
            result = ask()
            flight.result.append(result)
            return result
        finally:
            with self._lock:
                del self._flights[key]
                if flight.result:
                    self._keep(key, flight.result[0], size_of(flight.result[0]) + len(key[2]))
            flight.done.set()

    def _keep(self, key: tuple[int, int, str], result: object, size: int) -> None:
        if size > min(_MAX_RESULT_BYTES, self._max_bytes) or key[1] != self._versions.get(key[0]):
            return
        self._results[key] = result, size
        self.bytes += size
        while self.bytes > self._max_bytes or len(self._results) > self._max_entries:
            self._drop([next(iter(self._results))])

    def _forget_older(self, store: int, version: int) -> None:
        if version > self._versions.get(store, -1):
            self._versions[store] = version
            self._drop([key for key in self._results if key[0] == store])

    def _drop(self, keys: list[tuple[int, int, str]]) -> None:
        for key in keys:
            self.bytes -= self._results.pop(key)[1]


RESULTS = Results()
