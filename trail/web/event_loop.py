"""The event loop of the server: threads wake it once for many messages.

Each message of a page run is passed to the loop from the thread of the script. asyncio writes to a
socket for each one, which also makes that thread wait for its turn at the interpreter, although the
loop is awake already.
"""

import asyncio


class EventLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, woken only while no earlier wake-up is unread."""

    _is_woken = False

    def _write_to_self(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            super()._write_to_self()  # type: ignore[misc]

    def _read_from_self(self) -> None:
        super()._read_from_self()  # type: ignore[misc]
        # After reading: what a thread adds from here on either is seen before the loop sleeps, or
        # wakes it.
        self._is_woken = False
