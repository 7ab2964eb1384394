"""HTTP transport: one POST to a checked address, within one time limit.

httpcore2 follows no redirects, reads no proxy from the environment, and lets the caller open the
socket: TLS name and `Host` are those of the URL, while the socket connects to the IP address that
was resolved and checked.
"""

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore2

from trail.core.errors import InputError, TrailError
from trail.core.model import Request, Response
from trail.notifications import addresses
from trail.notifications.addresses import Resolve

RESPONSE_BYTES = 64 * 1024
_AGENT = "segment-audit-trail"
_IDLE_S = 20.0
# Ports that `Host` omits.
_DEFAULT_PORTS = {"https": 443, "http": 80}


class AddressRefusedError(httpcore2.ConnectError):
    """The address may not be reached; `why` is shown to whoever configured it."""

    def __init__(self, why: InputError) -> None:
        super().__init__(str(why))
        self.why = why


class HttpTransport:
    """HTTP connections to one destination; one attempt at a time. *resolve* looks names up."""

    def __init__(
        self,
        *,
        loopback: bool,
        timeout_s: float,
        resolve: Resolve = addresses.look_up,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.loopback = loopback
        self.timeout_s = timeout_s
        self._guard = _Guard(resolve, loopback=loopback)
        self._context = context
        self._lock = threading.Lock()
        self._pool: httpcore2.ConnectionPool | None = None

    def send(self, request: Request) -> Response:
        """Return the response to *request*; network failures are its `error`.

        Raises `InputError` for an address that is not allowed.
        """
        with self._lock:
            return self._send(request)

    def _send(self, request: Request) -> Response:
        place = addresses.read(request.url, loopback=self.loopback)
        self._guard.place, self._guard.until = place, time.monotonic() + self.timeout_s
        try:
            return self._exchange(place, request)
        except AddressRefusedError as error:
            raise error.why from None
        except httpcore2.TimeoutException:
            return Response(0, error=f"No response within {self.timeout_s:g} s.")
        except (httpcore2.ConnectError, httpcore2.UnsupportedProtocol):
            return Response(0, error="The service cannot be reached.")
        except (httpcore2.NetworkError, httpcore2.ProtocolError, ssl.SSLError):
            return Response(0, error="The connection was closed before the response.")

    def close(self) -> None:
        """Close what is open."""
        if self._pool:
            self._pool.close()
            self._pool = None

    def _exchange(self, place: addresses.Place, request: Request) -> Response:
        host = f"[{place.host}]" if ":" in place.host else place.host
        port = "" if place.port == _DEFAULT_PORTS[place.scheme] else f":{place.port}"
        headers = [
            ("Host", f"{host}{port}"),
            ("User-Agent", _AGENT),
            ("Accept-Encoding", "identity"),
            ("Content-Length", str(len(request.body))),
            *request.headers,
        ]
        limits = dict.fromkeys(("connect", "read", "write", "pool"), self.timeout_s)
        with self._opened().stream(
            "POST",
            httpcore2.URL(
                scheme=place.scheme, host=place.host, port=place.port, target=place.target
            ),
            headers=headers,
            content=request.body,
            extensions={"timeout": limits},
        ) as response:
            result = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in response.headers
            }
            return Response(response.status, result, self._body(response.iter_stream()))

    def _body(self, parts: Iterator[bytes]) -> bytes:
        """Return at most so much of the answer; how it goes on does not change the status."""
        body = b""
        try:
            for part in parts:
                body += part
                if len(body) >= RESPONSE_BYTES:
                    break
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError):
            pass
        return body[:RESPONSE_BYTES]

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
            result = addresses.resolved(self.place, self._resolve, loopback=self._loopback)
        except InputError as error:
            raise AddressRefusedError(error) from None
        except TrailError as error:
            raise httpcore2.ConnectError(str(error)) from None
        failed: Exception = httpcore2.ConnectError("no address")
        for address in result:
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
        """Refuse local sockets."""
        raise AddressRefusedError(InputError("Local sockets are not allowed as a destination."))

    def sleep(self, seconds: float) -> None:
        """Refuse to wait: the retry policy decides when to try again."""
        raise AddressRefusedError(InputError("The transport does not retry."))

    def left(self) -> float:
        """Return the seconds that are left of this try; raises `ReadTimeout` when none are."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the try took too long")
        return left


class _Stream(httpcore2.NetworkStream):
    """A connection whose every step counts against the try's one deadline.

    The client's timeouts apply to each read, so a response in small pieces would never time out.
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
