"""HTTP transport: one request to a checked address, within one time limit.

httpcore2 follows no redirects, ignores proxy settings of the environment, and lets the caller open
the socket: TLS name and `Host` come from the URL, while the socket connects to the resolved and
checked IP address.
"""

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore2

from trail.core.errors import InputError, TrailError
from trail.core.model import Request, Response
from trail.core.networks import Network
from trail.notifications import addresses, tls
from trail.notifications.addresses import Resolver

RESPONSE_BYTES = 64 * 1024
_USER_AGENT = "segment-audit-trail"
_IDLE_S = 20.0
# Ports that `Host` omits.
_DEFAULT_PORTS = {"https": 443, "http": 80}


class AddressRefusedError(httpcore2.ConnectError):
    """The address is not allowed; `reason` is shown to the user who configured it."""

    def __init__(self, reason: InputError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class HttpTransport:
    """HTTP connections to one destination; one attempt at a time. *resolve* resolves names."""

    def __init__(
        self,
        *,
        loopback: bool,
        timeout_s: float,
        networks: tuple[Network, ...] = (),
        ca_file: str = "",
        resolve: Resolver = addresses.resolve_hostname,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.loopback = loopback
        self.timeout_s = timeout_s
        self.networks = networks
        self.ca_file = ca_file
        self._backend = _GuardedBackend(resolve, loopback=loopback, networks=networks)
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
        endpoint = addresses.parse_url(request.url, loopback=self.loopback)
        self._backend.endpoint, self._backend.deadline = endpoint, time.monotonic() + self.timeout_s
        try:
            return self._exchange(endpoint, request)
        except AddressRefusedError as error:
            raise error.reason from None
        except httpcore2.TimeoutException:
            return Response(0, error=f"No response within {self.timeout_s:g} s.")
        except (httpcore2.ConnectError, httpcore2.UnsupportedProtocol):
            return Response(0, error="The service cannot be reached.")
        except (httpcore2.NetworkError, httpcore2.ProtocolError, ssl.SSLError):
            return Response(0, error="The connection was closed before the response.")

    def close(self) -> None:
        """Close all connections."""
        if self._pool:
            self._pool.close()
            self._pool = None

    def _exchange(self, endpoint: addresses.Endpoint, request: Request) -> Response:
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        port = "" if endpoint.port == _DEFAULT_PORTS[endpoint.scheme] else f":{endpoint.port}"
        headers = [
            ("Host", f"{host}{port}"),
            ("User-Agent", _USER_AGENT),
            ("Accept-Encoding", "identity"),
            ("Content-Length", str(len(request.body))),
            *request.headers,
        ]
        limits = dict.fromkeys(("connect", "read", "write", "pool"), self.timeout_s)
        with self._open_pool().stream(
            request.method,
            httpcore2.URL(
                scheme=endpoint.scheme,
                host=endpoint.host,
                port=endpoint.port,
                target=endpoint.target,
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

    def _body(self, chunks: Iterator[bytes]) -> bytes:
        """Return up to `RESPONSE_BYTES` of the body; read errors do not change the status."""
        body = b""
        try:
            for chunk in chunks:
                body += chunk
                if len(body) >= RESPONSE_BYTES:
                    break
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError):
            pass
        return body[:RESPONSE_BYTES]

    def _open_pool(self) -> httpcore2.ConnectionPool:
        if self._pool is None:
            self._pool = httpcore2.ConnectionPool(
                ssl_context=self._context or (tls.context(self.ca_file) if self.ca_file else None),
                max_connections=1,
                keepalive_expiry=_IDLE_S,
                network_backend=self._backend,
            )
        return self._pool


class _GuardedBackend(httpcore2.NetworkBackend):
    """Opens connections to allowed addresses only; one deadline covers a whole attempt."""

    def __init__(self, resolve: Resolver, *, loopback: bool, networks: tuple[Network, ...]) -> None:
        self._resolve = resolve
        self._loopback = loopback
        self._networks = networks
        self._inner_backend = httpcore2.SyncBackend()
        self.endpoint: addresses.Endpoint | None = None
        self.deadline = 0.0

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Return a connection to the first allowed address of *host* that accepts it."""
        assert self.endpoint and (host, port) == (self.endpoint.host, self.endpoint.port)
        try:
            result = addresses.resolve_public(
                self.endpoint, self._resolve, loopback=self._loopback, networks=self._networks
            )
        except InputError as error:
            raise AddressRefusedError(error) from None
        except TrailError as error:
            raise httpcore2.ConnectError(str(error)) from None
        last_error: Exception = httpcore2.ConnectError("no address")
        for address in result:
            try:
                stream = self._inner_backend.connect_tcp(address, port, self.remaining_s())
            except httpcore2.ConnectError as error:
                last_error = error
            else:
                return _Stream(stream, self)
        raise last_error

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

    def remaining_s(self) -> float:
        """Return the seconds left of this attempt; raises `ReadTimeout` when none are."""
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise httpcore2.ReadTimeout("the attempt timed out")
        return remaining


class _Stream(httpcore2.NetworkStream):
    """A connection on which every operation counts against the deadline of the attempt.

    httpcore2 applies its timeouts per read, so a response in small pieces would never time out.
    """

    def __init__(self, stream: httpcore2.NetworkStream, backend: _GuardedBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the bytes that arrive before the deadline."""
        return self._stream.read(max_bytes, self._backend.remaining_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send *buffer* before the deadline."""
        self._stream.write(buffer, self._backend.remaining_s())

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        """Return the connection under TLS; the certificate must match *server_hostname*."""
        inner = self._stream.start_tls(ssl_context, server_hostname, self._backend.remaining_s())
        return _Stream(inner, self._backend)

    def get_extra_info(self, info: str) -> Any:
        """Return information about the connection."""
        return self._stream.get_extra_info(info)
