"""One try over HTTP: to the address that was judged, within one time limit, and no further.

Made on httpcore2, since it follows no redirects, reads no proxy from the environment, and lets the
caller open the connection: TLS names and `Host` stay those of the address as written, while the
socket goes to the address that was looked up and judged.
"""

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore2

from trail.errors import InputError, TrailError
from trail.model import Answer, Request
from trail.outbox import addresses
from trail.outbox.addresses import Resolve

ANSWER_BYTES = 64 * 1024
_AGENT = "segment-audit-trail"
_IDLE_S = 20.0
# What `Host` leaves out.
_USUAL = {"https": 443, "http": 80}


class RefusedByUsError(httpcore2.ConnectError):
    """The address may not be connected to; `why` is for the person who set it."""

    def __init__(self, why: InputError) -> None:
        super().__init__(str(why))
        self.why = why


class Wire:
    """Connections to the place of one destination; one try at a time. *resolve* looks names up."""

    def __init__(
        self,
        *,
        loopback: bool,
        timeout_s: float,
        resolve: Resolve = addresses.look_up,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._loopback = loopback
        self._timeout_s = timeout_s
        self._guard = _Guard(resolve, loopback=loopback)
        self._context = context
        self._lock = threading.Lock()
        self._pool: httpcore2.ConnectionPool | None = None

    def send(self, request: Request) -> Answer:
        """Return the answer to *request*, or in its `trouble` why there was none.

        Raises `InputError` where the address may not be sent to. Never raises for the network.
        """
        with self._lock:
            return self._send(request)

    def _send(self, request: Request) -> Answer:
        place = addresses.read(request.url, loopback=self._loopback)
        self._guard.place, self._guard.until = place, time.monotonic() + self._timeout_s
        try:
            return self._exchange(place, request)
        except RefusedByUsError as error:
            raise error.why from None
        except httpcore2.TimeoutException:
            return Answer(0, trouble=f"There was no answer within {self._timeout_s:g} s.")
        except (httpcore2.ConnectError, httpcore2.UnsupportedProtocol):
            return Answer(0, trouble="It cannot be reached.")
        except (httpcore2.NetworkError, httpcore2.ProtocolError, ssl.SSLError):
            return Answer(0, trouble="The connection broke off before the answer.")

    def close(self) -> None:
        """Close what is open."""
        if self._pool:
            self._pool.close()
            self._pool = None

    def _exchange(self, place: addresses.Place, request: Request) -> Answer:
        host = f"[{place.host}]" if ":" in place.host else place.host
        port = "" if place.port == _USUAL[place.scheme] else f":{place.port}"
        headers = [
            ("Host", f"{host}{port}"),
            ("User-Agent", _AGENT),
            ("Accept-Encoding", "identity"),
            ("Content-Length", str(len(request.body))),
            *request.headers,
        ]
        limits = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_s)
        with self._opened().stream(
            request.method,
            httpcore2.URL(
                scheme=place.scheme, host=place.host, port=place.port, target=place.target
            ),
            headers=headers,
            content=request.body,
            extensions={"timeout": limits},
        ) as response:
            found = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in response.headers
            }
            return Answer(response.status, found, self._body(response.iter_stream()))

    def _body(self, parts: Iterator[bytes]) -> bytes:
        """Return at most so much of the answer; how it goes on does not change the status."""
        body = b""
        try:
            for part in parts:
                body += part
                if len(body) >= ANSWER_BYTES:
                    break
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError):
            pass
        return body[:ANSWER_BYTES]

    def _opened(self) -> httpcore2.ConnectionPool:
        if self._pool is None:
            self._pool = httpcore2.ConnectionPool(
                ssl_context=self._context,
                max_connections=1,
                keepalive_expiry=_IDLE_S,
                network_backend=self._guard,
            )
        return self._pool


class _Guard(httpcore2.NetworkBackend):
    """Opens connections to judged addresses only; all of one try share one deadline."""

    def __init__(self, resolve: Resolve, *, loopback: bool) -> None:
        self._resolve = resolve
        self._loopback = loopback
        self._plain = httpcore2.SyncBackend()
        self.place: addresses.Place | None = None
        self.until = 0.0

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Return a connection to the first judged address of *host* that takes it."""
        assert self.place and (host, port) == (self.place.host, self.place.port)
        try:
            found = addresses.resolved(self.place, self._resolve, loopback=self._loopback)
        except InputError as error:
            raise RefusedByUsError(error) from None
        except TrailError as error:
            raise httpcore2.ConnectError(str(error)) from None
        failed: Exception = httpcore2.ConnectError("no address")
        for address in found:
            try:
                stream = self._plain.connect_tcp(address, port, self.left())
            except httpcore2.ConnectError as error:
                failed = error
            else:
                return _Stream(stream, self)
        raise failed

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Refuse: nothing is sent to a socket of this machine."""
        raise RefusedByUsError(InputError("A socket of this machine is no destination."))

    def sleep(self, seconds: float) -> None:
        """Refuse to wait: the outbox decides when to try again."""
        raise RefusedByUsError(InputError("The wire does not wait."))

    def left(self) -> float:
        """Return the seconds that are left of this try; raises `ReadTimeout` when none are."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the try took too long")
        return left


class _Stream(httpcore2.NetworkStream):
    """A connection whose every step counts against the try's one deadline.

    The client's own limits count each read anew, so that an answer that drips would never end.
    """

    def __init__(self, stream: httpcore2.NetworkStream, guard: _Guard) -> None:
        self._stream = stream
        self._guard = guard

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what arrives within the time that is left."""
        return self._stream.read(max_bytes, self._guard.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send *buffer* within the time that is left."""
        self._stream.write(buffer, self._guard.left())

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        """Return the connection under TLS; the certificate must bear *server_hostname*."""
        inner = self._stream.start_tls(ssl_context, server_hostname, self._guard.left())
        return _Stream(inner, self._guard)

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows about itself."""
        return self._stream.get_extra_info(info)
