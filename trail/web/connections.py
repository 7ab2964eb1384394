"""Limits on open connections, below ASGI: how many there are, and how long they may wait.

`limit` extends the protocol classes of the uvicorn server that runs the app, whatever started it.
A connection waits for its client while the head or the body of a request is incomplete, between
requests, and while the client reads nothing of a response. When there are too many connections,
those that have waited longest are closed, so that a new client is answered whatever others do.
"""

import asyncio
import contextlib
import enum
import logging
import re
import resource
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import uvicorn

from trail.core.limits import Limits
from trail.core.networks import network_of
from trail.core.settings import Settings
from trail.web.callers import SESSION_COOKIE
from trail.web.proxies import is_among

SCOPE_STATE = "connection"  # the key of the `Connection` in the state of the ASGI scope
RESERVED = 64  # connections beyond the limit, for `/healthz` and the push routes
ANONYMOUS_FRAME_BYTES = 65_536  # of a websocket whose user is not known yet
SWEEP_SECONDS = 1.0
KERNEL_QUEUE = 4_096  # connections that wait to be accepted

_MAX_FILES = 65_536  # more descriptors than this need no higher limit
_OWN_FILES = 128  # descriptors for the database, exports and logs
_ACCEPTED_AT_ONCE = 64  # between two turns of everything else on the event loop
_STALLED_S = 5.0  # a client that reads nothing this long may be disconnected for a new one
_REFUSED_S = 1.0
_CACHED_PEERS = 4_096
_SESSION = re.compile(rb"\b" + SESSION_COOKIE.encode() + rb"=([^;\s]+)")
_UPGRADE = b"\r\nupgrade: websocket\r\n"
# Bytes of a websocket that are parsed at once: not many more pings than are allowed.
_SLICE = 1_024
_CONTROL_FRAMES, _CONTROL_S = 100, 10.0  # pings, pongs and continuations in any such period
_log = logging.getLogger("trail.web")

Headers = Iterable[tuple[bytes, bytes]]


class Phase(enum.Enum):
    """What a connection does."""

    HEAD, BODY, IDLE, BUSY, WEBSOCKET = range(5)


class Connection:
    """One open connection."""

    def __init__(self, table: "Connections") -> None:
        self.table = table
        self.address = ""  # the network that is counted; empty for a trusted proxy
        self.phase, self.since = Phase.HEAD, time.monotonic()
        self.protocol: Any = None
        self.transport: Any = None
        self.arrival: Any = None  # what holds it before there is a transport
        self.head = b""  # what it sent until there was one
        self._buffered, self._drained = 0, self.since

    def enter(self, phase: Phase) -> None:
        """Note that the connection does something else now."""
        self.phase, self.since = phase, time.monotonic()
        self.table.update(self, waits=False)
        self.table.update(self, waits=phase in (Phase.HEAD, Phase.BODY, Phase.IDLE))

    def allow_frames(self, size: int) -> None:
        """Accept websocket messages of *size* bytes."""
        if hasattr(self.protocol, "conn") and self.phase is Phase.WEBSOCKET:
            self.protocol.conn.max_message_size = size

    def check(self, limits: Limits, now: float) -> None:
        """Close the connection if it has waited too long."""
        if self.transport is not None:
            self._check_reading(limits, now)
        waited = now - self.since
        if (self.phase is Phase.HEAD and waited > limits.head_seconds) or (
            self.phase is Phase.BODY and waited > limits.body_seconds
        ):
            self.close(b"408 Request Timeout")

    def _check_reading(self, limits: Limits, now: float) -> None:
        size = self.transport.get_write_buffer_size()
        if size == 0 or size != self._buffered:
            self._buffered, self._drained = size, now
        stalled = now - self._drained
        if stalled > limits.stall_seconds:
            self.transport.abort()
        elif self.phase in (Phase.BUSY, Phase.WEBSOCKET):
            self.table.update(self, waits=stalled > _STALLED_S)

    def close(self, status: bytes) -> None:
        """Close the connection, with an HTTP response if the client waits for one."""
        self.table.remove(self)
        response = status and (
            b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n"
            b"retry-after: 5\r\n\r\n"
        )
        if self.arrival is not None:
            arrival, self.arrival = self.arrival, None
            arrival.end(response)
            return
        if self.transport is None or self.transport.is_closing():
            return
        if self.phase in (Phase.HEAD, Phase.BODY) and self.transport.get_write_buffer_size() == 0:
            self.transport.write(response)
            self.transport.close()
        else:
            self.transport.abort()


class Connections:
    """All open connections of the server."""

    def __init__(self, settings: Settings, most: int) -> None:
        self._settings, self._most = settings, most
        self._all: dict[Connection, None] = {}
        self._waiting: OrderedDict[Connection, None] = OrderedDict()
        self._by_address: dict[str, OrderedDict[Connection, None]] = {}
        self._counts: dict[str, int] = defaultdict(int)
        # Until when, by session or address.
        self._no_tabs: dict[bytes | str, float] = {}
        self._counted = lru_cache(_CACHED_PEERS)(self._address)

    def __len__(self) -> int:
        """Return the number of open connections."""
        return len(self._all)

    @property
    def is_full(self) -> bool:
        """Return whether requests in progress and websockets take all connections."""
        return len(self._all) - len(self._waiting) > self._most

    def add(self, connection: Connection, peer: str) -> None:
        """Count a new connection from *peer*; make room for it, or refuse it."""
        connection.address = self._counted(peer)
        self._all[connection] = None
        self._counts[connection.address] += 1
        address, limits = connection.address, self._settings.limits
        if address and self._counts[address] > limits.connections_per_address:
            self._close_longest_waiting(self._by_address.get(address, {}))
        if len(self._all) > self._most:
            self._close_longest_waiting(self._waiting)
        if len(self._all) > self._most + RESERVED:
            connection.close(b"503 Service Unavailable")
        else:
            connection.enter(Phase.HEAD)

    def _address(self, peer: str) -> str:
        """Return the network that is counted for *peer*; empty for a trusted proxy."""
        trusted = is_among(peer, self._settings.server.trusted_proxies)
        return "" if trusted else network_of(peer)

    def refuse_tabs(self, connection: Connection, headers: Headers, *, is_signed_in: bool) -> None:
        """Refuse further tabs for a second, at little cost.

        Those of the session in *headers*, or without one, those without from that address.
        """
        key = _session(headers) if is_signed_in else connection.address
        if key:
            self._no_tabs[key] = time.monotonic() + _REFUSED_S

    def refuses_tab(self, connection: Connection, headers: Headers) -> bool:
        """Return whether `refuse_tabs` applies to a websocket with *headers*."""
        until = self._no_tabs.get(_session(headers) or connection.address)
        return until is not None and until >= time.monotonic()

    def refuses_head(self, connection: Connection, head: bytes) -> bool:
        """Return whether `refuses_tab` applies to the websocket that *head* asks for."""
        return (
            bool(self._no_tabs)
            and _UPGRADE in head.lower()
            and self.refuses_tab(connection, ((b"cookie", head),))
        )

    def remove(self, connection: Connection) -> None:
        """Forget a connection; nothing if it is unknown."""
        if connection not in self._all:
            return
        self.update(connection, waits=False)
        del self._all[connection]
        self._counts[connection.address] -= 1
        if not self._counts[connection.address]:
            del self._counts[connection.address]

    def update(self, connection: Connection, *, waits: bool) -> None:
        """Note whether the connection waits for its client, from now on."""
        if connection not in self._all or waits == (connection in self._waiting):
            return
        for group in (
            self._waiting,
            self._by_address.setdefault(connection.address, OrderedDict()),
        ):
            group.pop(connection, None)
            if waits:
                group[connection] = None
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]

    def sweep(self) -> None:
        """Close the connections that have waited too long."""
        now = time.monotonic()
        self._no_tabs = {key: until for key, until in self._no_tabs.items() if until > now}
        for connection in list(self._all):
            connection.check(self._settings.limits, now)

    def end_arrivals(self) -> None:
        """Close the connections without a transport, which uvicorn does not know, at shutdown."""
        for connection in list(self._all):
            if connection.arrival is not None:
                connection.close(b"")

    def shed(self) -> None:
        """Close some connections, since the process is out of descriptors."""
        for _ in range(RESERVED):
            self._close_longest_waiting(self._waiting)

    def _close_longest_waiting(self, group: Iterable[Connection]) -> None:
        longest = next(iter(group), None)
        if longest is not None:
            longest.close(b"503 Service Unavailable")


def _session(headers: Headers) -> bytes:
    """Return the session cookie in *headers*; empty without one."""
    for name, value in headers:
        if name == b"cookie" and (found := _SESSION.search(value)):
            return found[1]
    return b""


def http_protocol(base: Any, table: Connections) -> Any:
    """Return *base*, a protocol class of uvicorn for HTTP, with the limits of *table*."""

    class LimitedHTTP(base):  # type: ignore[misc]
        def __init__(
            self, config: uvicorn.Config, server_state: Any, app_state: Any, _loop: Any = None
        ) -> None:
            self.connection: Connection = app_state.get(SCOPE_STATE) or Connection(table)
            state = {**app_state, SCOPE_STATE: self.connection}
            super().__init__(config, server_state, state, _loop)

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.connection.protocol, self.connection.transport = self, transport
            if head := self.connection.head:
                self.connection.head = b""
                self.connection.enter(Phase.HEAD)
                self.data_received(head)
            else:
                table.add(self.connection, self.client[0] if self.client else "")

        def data_received(self, data: bytes) -> None:
            if self.connection.phase is Phase.IDLE:
                self.connection.enter(Phase.HEAD)
            before = self.cycle
            super().data_received(data)
            self._follow(before)

        def on_response_complete(self) -> None:
            before = self.cycle
            self.connection.enter(Phase.IDLE)
            super().on_response_complete()
            self._follow(before)

        def handle_websocket_upgrade(self, *args: Any) -> None:
            if table.refuses_tab(self.connection, self.headers):
                self.connection.close(b"429 Too Many Requests")
            else:
                super().handle_websocket_upgrade(*args)

        def connection_lost(self, exc: Exception | None) -> None:
            table.remove(self.connection)
            super().connection_lost(exc)

        def _follow(self, before: Any) -> None:
            if self.cycle is not before:
                self.connection.enter(Phase.BODY)
            if self.connection.phase is Phase.BODY and not self.cycle.more_body:
                self.connection.enter(Phase.BUSY)

    return LimitedHTTP


def websocket_protocol(base: Any, table: Connections) -> Any:
    """Return *base*, a protocol class of uvicorn for websockets, with the limits of *table*."""

    class LimitedWebSocket(base):  # type: ignore[misc]
        def __init__(
            self, config: uvicorn.Config, server_state: Any, app_state: Any, _loop: Any = None
        ) -> None:
            super().__init__(config, server_state, app_state, _loop)
            self.connection: Connection = app_state[SCOPE_STATE]
            self._controls, self._since = 0, time.monotonic()
            self._unparsed = bytearray()

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.connection.protocol = self
            self.connection.enter(Phase.WEBSOCKET)
            self.connection.allow_frames(ANONYMOUS_FRAME_BYTES)

        def data_received(self, data: bytes) -> None:
            self._unparsed += data
            self._parse()

        async def receive(self) -> Any:
            message = await super().receive()
            self._parse()
            return message

        def _parse(self) -> None:
            """Parse what the app can take now, for 100 KiB may be thousands of messages."""
            while self._unparsed and not getattr(self, "read_paused", False):
                part = bytes(self._unparsed[:_SLICE])
                del self._unparsed[:_SLICE]
                if not self.transport.is_closing():
                    super().data_received(part)

        def handle_ping(self) -> None:
            if self._may_control():
                super().handle_ping()

        def handle_pong(self, event: Any) -> None:
            if self._may_control():
                super().handle_pong(event)

        def handle_cont(self, event: Any) -> None:
            if self._may_control():
                super().handle_cont(event)

        def connection_lost(self, exc: Exception | None) -> None:
            table.remove(self.connection)
            super().connection_lost(exc)

        def _may_control(self) -> bool:
            now = time.monotonic()
            if now - self._since > _CONTROL_S:
                self._controls, self._since = 0, now
            self._controls += 1
            if self._controls > _CONTROL_FRAMES:
                self.transport.abort()
            return self._controls <= _CONTROL_FRAMES

    return LimitedWebSocket


def raise_file_limit() -> int:
    """Raise the soft limit on open files to the hard one, at most 65,536; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
    return wanted if soft == resource.RLIM_INFINITY else soft


def limit(configs: Iterable[uvicorn.Config], settings: Settings) -> Connections:
    """Limit the connections of the servers with *configs*, before they accept any."""
    files = raise_file_limit()
    at_once = min(_ACCEPTED_AT_ONCE, files // 16)
    room = max(files // 4, files - _OWN_FILES - RESERVED - at_once)
    most = min(settings.limits.connections, room)
    if most < settings.limits.connections:
        _log.warning(
            "At most %d connections, not limits.connections = %d: the limit on open files is %d.",
            most,
            settings.limits.connections,
            files,
        )
    table = Connections(settings, most)
    for config in configs:
        if not config.loaded:
            config.load()
        config.http_protocol_class = http_protocol(config.http_protocol_class, table)
        if config.ws_protocol_class is not None:
            config.ws_protocol_class = websocket_protocol(config.ws_protocol_class, table)
        config.ws_max_size = settings.limits.frame_bytes
        config.backlog = at_once  # asyncio accepts as many in one turn
    return table


async def keep(table: Connections, report: Callable[[], None]) -> None:
    """Sweep every second, and call *report*, until cancelled.

    Out of descriptors, asyncio would log a traceback for each connection that it cannot accept.
    """
    loop = asyncio.get_running_loop()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if str(context.get("message", "")).startswith("socket.accept() out of"):
            table.shed()
            _log.warning("Connections cannot be accepted: %s.", context.get("exception"))
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            table.sweep()
        except Exception:  # must go on
            _log.exception("Connections could not be checked.")
        report()
