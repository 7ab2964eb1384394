"""Syslog transport: messages over TLS (RFC 5425) to a checked address, within a time limit.

Syslog has no acknowledgment. A message counts as delivered once it is written and the server has
closed the connection without an error, or has not closed it within a moment.
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Callable

from trail.core.errors import UnavailableError
from trail.core.model import Request, Response, Transport
from trail.notifications import addresses, tls
from trail.notifications.addresses import Resolver

SCHEMES = ("syslogs",)
_CLOSING_S = 2.0


def send(
    request: Request, transport: Transport, *, resolve: Resolver = addresses.resolve_hostname
) -> Response:
    """Send the frames in the body of *request*; return 200, or 0 with the error.

    Raises `InputError` for an address that is not allowed, and for an unusable CA file.
    """
    endpoint = addresses.parse_url(request.url, loopback=transport.loopback, schemes=SCHEMES)
    context, timeout_s = tls.context(transport.ca_file), transport.timeout_s
    try:
        found = addresses.resolve_public(
            endpoint, resolve, loopback=transport.loopback, networks=transport.networks
        )
        with _connect(found, endpoint.port, timeout_s) as connection:
            stream = _Stream(connection, context, endpoint.host, timeout_s)
            stream.send(request.body)
            stream.close()
    except UnavailableError as error:
        return Response(0, error=str(error))
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message.rstrip(".")
        return Response(0, error=f"The certificate of the server is not trusted: {reason}.")
    except TimeoutError:
        return Response(0, error=f"No connection within {timeout_s:g} s.")
    except OSError:
        return Response(0, error="The connection to the syslog server failed. It must offer TLS.")
    return Response(200)


def _connect(found: list[str], port: int, timeout_s: float) -> socket.socket:
    """Return a connection to the first of the addresses that accepts it."""
    for address in found[:-1]:
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), timeout_s)
    return socket.create_connection((found[-1], port), timeout_s)


class _Stream:
    """The client side of TLS over *connection*; raises `OSError`, including TLS errors.

    `ssl.SSLSocket.unwrap` may return without reading the server's last message. With TLS 1.3, a
    server that requires a client certificate rejects the connection only then.
    """

    def __init__(
        self, connection: socket.socket, context: ssl.SSLContext, host: str, timeout_s: float
    ) -> None:
        self._connection = connection
        self._deadline = time.monotonic() + timeout_s
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        while not self._try(self._tls.do_handshake):
            if not self._receive():
                raise ConnectionResetError

    def send(self, data: bytes) -> None:
        """Write all of *data*."""
        self._try(lambda: self._tls.write(data))

    def close(self) -> None:
        """Send the closing alert and wait for the server's, for at most `_CLOSING_S`."""
        self._try(self._tls.unwrap)
        self._connection.shutdown(socket.SHUT_WR)
        self._deadline = min(self._deadline, time.monotonic() + _CLOSING_S)
        with contextlib.suppress(ssl.SSLZeroReturnError, ssl.SSLEOFError, TimeoutError):
            while self._receive():
                self._try(lambda: self._tls.read(1024))

    def _try(self, step: Callable[[], object]) -> bool:
        """Run *step* and send its output; return whether it has finished, or else needs to read."""
        try:
            step()
        except ssl.SSLWantReadError:
            return False
        finally:
            if data := self._outgoing.read():
                self._limit()
                self._connection.sendall(data)
        return True

    def _receive(self) -> bool:
        """Wait for data from the server; return whether the connection is still open."""
        self._limit()
        data = self._connection.recv(16_384)
        self._incoming.write(data) if data else self._incoming.write_eof()
        return bool(data)

    def _limit(self) -> None:
        """Limit the next operation to the remaining time of the attempt."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._connection.settimeout(remaining)
