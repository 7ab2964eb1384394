"""New connections until the head of their first request is complete: sockets, no transports.

A transport and a parser of uvicorn cost about 0.3 ms of the event loop, which clients that open
connections only to leave them could spend for everybody. Here a connection costs a fifth of that
until it has sent a request. Servers with TLS are left to asyncio.
"""

import asyncio
import contextlib
import errno
import gc
import logging
import re
import socket
from typing import Any

import uvicorn

from trail.web.connections import SCOPE_STATE, Connection, Connections

_HEAD_BYTES = 65_536  # a longer head is passed on incomplete, and refused there
_RETRY_S = 0.2  # out of descriptors
_END = re.compile(rb"\n\r?\n")  # of a head, as h11 reads it
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_log = logging.getLogger("trail.web")


class Arrival:
    """One socket that has not sent a complete head."""

    __slots__ = ("_arrivals", "_connection", "_head", "_is_watched", "_socket")

    def __init__(self, arrivals: "Arrivals", connection: Connection, opened: socket.socket) -> None:
        self._arrivals, self._connection, self._socket = arrivals, connection, opened
        self._head = bytearray()
        self._is_watched = False

    def read(self) -> None:
        """Read what has arrived; pass the connection on once it is enough."""
        try:
            data = self._socket.recv(_HEAD_BYTES)
        except (BlockingIOError, InterruptedError):
            self._watch()
            return
        except OSError:
            data = b""
        if not data:
            self._connection.close(b"")
            return
        at = max(0, len(self._head) - 2)
        self._head += data
        # A first byte that no method starts with is refused at once, such as that of TLS.
        if (
            _END.search(self._head, at)
            or len(self._head) >= _HEAD_BYTES
            or self._head[0] < ord("!")
        ):
            self._pass_on()
        else:
            self._watch()

    def end(self, response: bytes) -> None:
        """Close the socket, after *response* if there is one."""
        self._unwatch()
        if response:
            with contextlib.suppress(OSError):
                self._socket.send(response)
        self._socket.close()

    def _pass_on(self) -> None:
        if self._arrivals.table.refuses_head(self._connection, bytes(self._head)):
            self._connection.close(b"429 Too Many Requests")
            return
        self._unwatch()
        self._arrivals.pass_on(self._connection, self._socket, bytes(self._head))

    def _watch(self) -> None:
        if not self._is_watched:
            self._is_watched = True
            self._arrivals.loop.add_reader(self._socket, self.read)

    def _unwatch(self) -> None:
        if self._is_watched:
            self._is_watched = False
            self._arrivals.loop.remove_reader(self._socket)


class Arrivals:
    """Accepts the connections of one server in place of asyncio."""

    def __init__(self, server: uvicorn.Server, table: Connections) -> None:
        """Take over the listening sockets of *server*, which has started on the running loop."""
        self.table, self.loop = table, asyncio.get_running_loop()
        self._server = server
        self._passing: set[asyncio.Task[None]] = set()
        if not server.config.is_ssl:
            for listener in [item for each in server.servers for item in each.sockets]:
                self._accept_from(listener.fileno(), (listener.family, listener.type))

    def _accept_from(self, descriptor: int, kind: tuple[int, int]) -> None:
        self.loop.add_reader(descriptor, self._accept, descriptor, kind)

    def _accept(self, descriptor: int, kind: tuple[int, int]) -> None:
        """Accept some of the connections that wait; asyncio owns the listening socket."""
        listener = socket.socket(*kind, fileno=descriptor)
        try:
            for _ in range(self._server.config.backlog):
                opened, peer = listener.accept()
                opened.setblocking(False)
                self._add(opened, str(peer[0]) if isinstance(peer, tuple) else "")
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            pass  # no more
        except OSError as problem:
            if problem.errno not in _EXHAUSTED:
                raise
            self.table.shed()
            _log.warning("Connections cannot be accepted: %s.", problem)
            self.loop.remove_reader(descriptor)  # else it would be called without a pause
            self.loop.call_later(_RETRY_S, self._accept_again, descriptor, kind)
        finally:
            listener.detach()

    def _accept_again(self, descriptor: int, kind: tuple[int, int]) -> None:
        if not self._server.should_exit:
            self._accept_from(descriptor, kind)

    def _add(self, opened: socket.socket, peer: str) -> None:
        connection = Connection(self.table)
        connection.arrival = arrival = Arrival(self, connection, opened)
        self.table.add(connection, peer)
        if connection.arrival is arrival:
            arrival.read()

    def pass_on(self, connection: Connection, opened: socket.socket, head: bytes) -> None:
        """Let uvicorn go on with a connection that has sent *head*."""
        connection.arrival, connection.head = None, head
        self.table.update(connection, waits=False)  # nothing could close it before it is passed on
        task = self.loop.create_task(self._connect(connection, opened))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _connect(self, connection: Connection, opened: socket.socket) -> None:
        server = self._server

        def protocol() -> Any:
            state = {**server.lifespan.state, SCOPE_STATE: connection}
            kind: Any = server.config.http_protocol_class
            return kind(config=server.config, server_state=server.server_state, app_state=state)

        try:
            await self.loop.connect_accepted_socket(protocol, opened)
        except OSError:  # the client left
            self.table.remove(connection)
            opened.close()


def servers() -> list[uvicorn.Server]:
    """Return the server that runs the app, whatever started it."""
    return [item for item in gc.get_objects() if issubclass(type(item), uvicorn.Server)]


def take_over(servers: list[uvicorn.Server], table: Connections) -> None:
    """Accept the connections of *servers*, all of which have started."""
    for server in servers:
        Arrivals(server, table)
