"""The event loop of the server: threads wake it once for many messages, and it sends them at once.

Each message of a page run is passed to the loop from the thread of the script. asyncio writes to a
socket for each one, which also makes that thread wait for its turn at the interpreter, although the
loop is awake already. It also sends each message by itself, and after each the loop waits for its
turn again: with many page runs at once, that alone takes longer than the loop has.
"""

import asyncio
import time
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# Messages wait no longer than this while the loop has other things to do, and no more bytes.
_HELD_S, _HELD_BYTES = 0.005, 32 << 10

# Typeshed does not know it.
_SocketTransport: Any = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]


class EventLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, woken only while no earlier wake-up is unread."""

    _is_woken = False

    def __init__(self) -> None:
        super().__init__()
        self._unsent: dict[_Transport, None] = {}
        self._since = 0.0

    def _write_to_self(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            super()._write_to_self()  # type: ignore[misc]

    def _read_from_self(self) -> None:
        super()._read_from_self()  # type: ignore[misc]
        # After reading: what a thread adds from here on either is seen before the loop sleeps, or
        # wakes it.
        self._is_woken = False

    def _make_socket_transport(
        self, sock: Any, protocol: Any, waiter: Any = None, **more: Any
    ) -> Any:
        return _Transport(self, sock, protocol, waiter, **more)

    def _run_once(self) -> None:
        # Before the loop sleeps, or when the first message has waited long enough.
        is_idle = not self._ready  # type: ignore[attr-defined]
        if self._unsent and (is_idle or time.monotonic() - self._since > _HELD_S):
            transports, self._unsent = list(self._unsent), {}
            for transport in transports:
                transport.send()
        super()._run_once()  # type: ignore[misc]

    def hold(self, transport: "_Transport") -> None:
        """Send what *transport* holds before the loop sleeps."""
        if not self._unsent:
            self._since = time.monotonic()
        self._unsent[transport] = None


class _Transport(_SocketTransport):  # type: ignore[misc]
    """Holds the messages of a websocket until the loop has nothing else to do."""

    def write(self, data: Any) -> None:
        is_held = (
            isinstance(self._protocol, WebSocketsSansIOProtocol)
            and isinstance(self._buffer, bytearray)  # not in Python 3.12
            and not (self._eof or self._conn_lost)
        )
        if not is_held or (self._buffer and self not in self._loop._unsent):
            super().write(data)  # the client is slow, and asyncio waits for it
            return
        self._buffer.extend(data)
        if len(self._buffer) > _HELD_BYTES:
            self.send()
            self._maybe_pause_protocol()
        else:
            self._loop.hold(self)

    def send(self) -> None:
        """Send as much as the client takes now; asyncio sends the rest."""
        if self._buffer and not self._conn_lost:
            self._write_ready()
            if self._buffer and not self._conn_lost:
                self._loop._add_writer(self._sock_fd, self._write_ready)
