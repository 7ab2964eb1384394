"""One try over SMTP: TLS always, to the address that was judged, within a time limit.

Separate because mail has a protocol of its own; what it answers is told in HTTP's terms, so that
the outbox has one way to judge.
"""

import contextlib
import smtplib
import socket
import ssl

from trail.errors import UnavailableError
from trail.model import Answer, Request
from trail.outbox import addresses
from trail.outbox.addresses import Resolve

SCHEMES = ("smtp", "smtps")


def send(
    request: Request,
    *,
    loopback: bool,
    timeout_s: float,
    resolve: Resolve = addresses.look_up,
    context: ssl.SSLContext | None = None,
) -> Answer:
    """Return how the mail server took the message: 200, 401 for the password, 400 for the message.

    Raises `InputError` where the address may not be sent to. `smtp` begins plain and must change
    to TLS before anything is said; a server that cannot is not used.
    """
    told = dict(request.headers)
    place = addresses.read(request.url, loopback=loopback, schemes=SCHEMES)
    try:
        found = addresses.resolved(place, resolve, loopback=loopback)
    except UnavailableError as error:
        return Answer(0, trouble=str(error))
    try:
        with contextlib.closing(_opened(place, found[0], timeout_s, context)) as server:
            if told.get("user"):
                server.login(told["user"], told.get("password", ""))
            server.sendmail(told["from"], [told["to"]], request.body)
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
    except smtplib.SMTPAuthenticationError:
        return Answer(401)
    except smtplib.SMTPResponseException as error:
        return _answer(error.smtp_code)
    except smtplib.SMTPRecipientsRefused as error:
        return _answer(max(code for code, _ in error.recipients.values()))
    except (smtplib.SMTPException, OSError) as error:
        words = "did not answer in time" if isinstance(error, TimeoutError) else "broke off"
        return Answer(0, trouble=f"The mail server {words}, or it cannot do TLS.")
    return Answer(200)


def _answer(code: int) -> Answer:
    """Return the answer for an SMTP code: 4xx may pass, 5xx will not (RFC 5321, 4.2.1)."""
    return Answer(400 if code >= 500 else 503)


def _opened(
    place: addresses.Place, address: str, timeout_s: float, context: ssl.SSLContext | None
) -> smtplib.SMTP:
    """Return a connection under TLS whose certificate bears the name that was written."""
    context = context or ssl.create_default_context()
    plain = socket.create_connection((address, place.port), timeout_s)
    try:
        if place.scheme == "smtps":
            plain = context.wrap_socket(plain, server_hostname=place.host)
        server = _Server(plain, place.host, timeout_s)
        code, said = server.connect(place.host, place.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        if place.scheme == "smtp":
            server.starttls(context=context)
    except BaseException:
        plain.close()
        raise
    return server


class _Server(smtplib.SMTP):
    """A mail server at the other end of a connection that is open already."""

    def __init__(self, opened: socket.socket, name: str, timeout_s: float) -> None:
        self._opened = opened
        super().__init__(timeout=timeout_s, local_hostname="localhost")
        self._host = name  # what its certificate must bear after STARTTLS

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        # Overridden so that smtplib does not look the name up a second time.
        return self._opened
