"""Fair shares of the database: at most so many requests at once, and fewer of each user.

Requests over these numbers wait, and users take turns: after one request of a user, all others who
wait come first. Requests of one user keep their order.
"""

import asyncio
import contextlib
import threading
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar

from trail.core.errors import OverloadError
from trail.core.limits import Limits
from trail.storage.query_timeout import QueryScope

# More requests of one user are refused at once.
MAX_WAITING = 64


class _Ticket:
    """One request: it waits, then holds a slot."""

    def __init__(self, user: str, granted: Callable[[], None]) -> None:
        self.user, self.granted = user, granted
        self.holds = False


class FairShare:
    """*total* slots, of which one user takes at most *per_user*; waits up to *wait_s* seconds.

    A user is any text that requests are counted by. Without *wait_s*, requests wait for any time.
    """

    def __init__(self, total: int, per_user: int, wait_s: float | None = None) -> None:
        self.total, self.per_user, self.wait_s = total, per_user, wait_s
        self._lock = threading.Lock()
        self._held: dict[str, int] = {}
        # The users who wait, in the order of their turns.
        self._waiting: OrderedDict[str, deque[_Ticket]] = OrderedDict()
        # Code inside a slot may ask for one again and gets the same.
        self._inside: ContextVar[bool] = ContextVar("inside", default=False)

    @contextlib.contextmanager
    def slot(self, user: str, scope: QueryScope) -> Iterator[None]:
        """Hold a slot in the block; waits in this thread.

        Raises `OverloadError` when none is free in time, and `StoppedError` when *scope* is stopped
        meanwhile.
        """
        if self._inside.get():
            yield
            return
        woken = threading.Event()
        ticket = self._join(user, woken.set)
        try:
            with scope.calling(woken.set):
                woken.wait(self.wait_s)
            self._require(ticket, scope)
            with self._marked():
                yield
        finally:
            self._leave(ticket)

    @contextlib.asynccontextmanager
    async def slot_in_loop(self, user: str, scope: QueryScope) -> AsyncIterator[None]:
        """As `slot`, for the event loop: no thread waits."""
        if self._inside.get():
            yield
            return
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(woken.set)

        ticket = self._join(user, wake)
        try:
            if not ticket.holds:
                with scope.calling(wake), contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.wait_s):
                        await woken.wait()
            self._require(ticket, scope)
            with self._marked():
                yield
        finally:
            self._leave(ticket)

    def usage(self) -> tuple[int, int]:
        """Return the numbers of slots that are held and of requests that wait."""
        with self._lock:
            return sum(self._held.values()), sum(map(len, self._waiting.values()))

    @contextlib.contextmanager
    def _marked(self) -> Iterator[None]:
        token = self._inside.set(True)
        try:
            yield
        finally:
            self._inside.reset(token)

    def _join(self, user: str, granted: Callable[[], None]) -> _Ticket:
        ticket = _Ticket(user, granted)
        with self._lock:
            waiting = self._waiting.setdefault(user, deque())
            if len(waiting) >= MAX_WAITING:
                raise _overload(own=True)
            waiting.append(ticket)
            self._grant()
        return ticket

    def _require(self, ticket: _Ticket, scope: QueryScope) -> None:
        scope.check()
        with self._lock:
            if not ticket.holds:
                raise _overload(own=self._held.get(ticket.user, 0) >= self.per_user)

    def _leave(self, ticket: _Ticket) -> None:
        with self._lock:
            if not ticket.holds:
                waiting = self._waiting[ticket.user]
                waiting.remove(ticket)
                if not waiting:
                    del self._waiting[ticket.user]
                return
            ticket.holds = False
            self._held[ticket.user] -= 1
            if not self._held[ticket.user]:
                del self._held[ticket.user]
            self._grant()

    def _grant(self) -> None:
        """Give free slots to those whose turn it is. Called with the lock."""
        held = sum(self._held.values())
        while held < self.total:
            free = (user for user in self._waiting if self._held.get(user, 0) < self.per_user)
            if (user := next(free, None)) is None:
                return
            ticket = self._waiting[user].popleft()
            if self._waiting[user]:
                self._waiting.move_to_end(user)
            else:
                del self._waiting[user]
            self._held[user] = self._held.get(user, 0) + 1
            held += 1
            ticket.holds = True
            ticket.granted()


class Shares:
    """The shares of one process: requests, exports that are computed, and exports not yet ended."""

    def __init__(self, limits: Limits) -> None:
        wait_s = limits.wait_seconds
        self.requests = FairShare(limits.requests, limits.requests_per_user, wait_s)
        self.exports = FairShare(limits.exports, limits.exports_per_user)
        self.open_exports = FairShare(limits.open_exports, limits.open_exports_per_user, wait_s)


def _overload(*, own: bool) -> OverloadError:
    if own:
        return OverloadError(
            "Too many of your requests run at the same time.",
            "Wait until they have ended, then try again.",
            own=True,
        )
    return OverloadError("The server is busy.", "Try again in a few seconds.", own=False)
