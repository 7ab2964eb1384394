"""SMTP transport: one message over TLS to a checked address, within a time limit.

Replies are mapped to HTTP statuses, so that one retry policy covers every transport.
"""

import contextlib
import smtplib
import socket
import ssl

from trail.core.errors import UnavailableError
from trail.core.model import Request, Response, Transport
from trail.notifications import addresses, tls
from trail.notifications.addresses import Resolver

SCHEMES = ("smtp", "smtps")


def send(
    request: Request,
    transport: Transport,
    *,
    resolve: Resolver = addresses.resolve_hostname,
    context: ssl.SSLContext | None = None,
) -> Response:
    """Send a message; return 200, 401 for refused credentials, 400 for a rejected message.

    Raises `InputError` for an address that is not allowed. `smtp` connections must upgrade to TLS
    before anything is sent; a server without TLS is not used.
    """
    loopback, timeout_s = transport.loopback, transport.timeout_s
    context = context or tls.context(transport.ca_file)
    envelope = dict(request.headers)
    endpoint = addresses.parse_url(request.url, loopback=loopback, schemes=SCHEMES)
    try:
        result = addresses.resolve_public(
            endpoint, resolve, loopback=loopback, networks=transport.networks
        )
    except UnavailableError as error:
        return Response(0, error=str(error))
    try:
        with contextlib.closing(_connect(endpoint, result[0], timeout_s, context)) as server:
            if envelope.get("user"):
                server.login(envelope["user"], envelope.get("password", ""))
            server.sendmail(envelope["from"], [envelope["to"]], request.body)
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
    except smtplib.SMTPAuthenticationError:
        return Response(401)
    except smtplib.SMTPResponseException as error:
        return _response(error.smtp_code)
    except smtplib.SMTPRecipientsRefused as error:
        return _response(max(code for code, _ in error.recipients.values()))
    except (smtplib.SMTPException, OSError) as error:
        reason = "timed out" if isinstance(error, TimeoutError) else "failed"
        return Response(0, error=f"The connection to the mail server {reason}. It must offer TLS.")
    return Response(200)


def _response(code: int) -> Response:
    """Return the response for an SMTP reply: 4xx is transient, 5xx permanent (RFC 5321, 4.2.1)."""
    return Response(400 if code >= 500 else 503)


def _connect(
    endpoint: addresses.Endpoint, address: str, timeout_s: float, context: ssl.SSLContext
) -> smtplib.SMTP:
    """Return a connection under TLS whose certificate matches the configured host."""
    connection = socket.create_connection((address, endpoint.port), timeout_s)
    try:
        if endpoint.scheme == "smtps":
            connection = context.wrap_socket(connection, server_hostname=endpoint.host)
        server = _Server(connection, endpoint.host, timeout_s)
        code, message = server.connect(endpoint.host, endpoint.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, message)
        if endpoint.scheme == "smtp":
            server.starttls(context=context)
    except BaseException:
        connection.close()
        raise
    return server


class _Server(smtplib.SMTP):
    """An SMTP client on a connection that is already open."""

    def __init__(self, connection: socket.socket, name: str, timeout_s: float) -> None:
        self._connection = connection
        super().__init__(timeout=timeout_s, local_hostname="localhost")
        self._host = name  # starttls() checks the certificate against it

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        # Overridden so that smtplib does not resolve the host a second time.
        return self._connection
