"""E-mail: one message for each notification, in plain text; a digest in HTML, too.

Event text is reduced to one printable line, and `EmailMessage` refuses line breaks in headers, so
no event can add a header.
"""

import datetime as dt
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256

from forwarders import _digest
from forwarders._message import compose
from trail.core.errors import InputError
from trail.core.model import FormField, Forwarder, Notification, Request, Values
from trail.core.text import one_line
from trail.notifications import smtp_transport as smtp

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def request(
    notification: Notification, settings: Values, secrets: Values, now: dt.datetime
) -> Request:
    """Return the message and its envelope; raises `InputError` for an invalid address or port."""
    composed = compose(notification, settings)
    sender, recipient = _address(settings.get("from", "")), _address(settings.get("to", ""))
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Audit trail", addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    mark = "" if composed.parts else f"[{composed.severity}] "
    message["Subject"] = one_line(f"{mark}{composed.title}", 150)
    message["Date"] = format_datetime(now)
    # The same for every attempt, so that mail programs show it once.
    digest = sha256(f"{notification.kind} {notification.key}".encode(errors="replace")).hexdigest()
    message["Message-ID"] = f"<{digest[:40]}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    text = composed.text() + (f"\n\n{composed.reason}" if composed.reason else "")
    message.set_content(f"{text.encode(errors='replace').decode()}\n", cte="quoted-printable")
    if composed.parts:
        page = _digest.as_html(
            composed.title, composed.sentence, composed.link, composed.parts, composed.reason
        )
        message.add_alternative(page, subtype="html", cte="quoted-printable")
        # Of two requests with equal input, the bytes are equal.
        message.set_boundary(f"part-{digest[:32]}")
    envelope = (
        ("from", sender),
        ("to", recipient),
        ("user", settings.get("user", "")),
        ("password", secrets.get("password", "")),
    )
    scheme = "smtps" if settings.get("tls", "starttls") == "implicit" else "smtp"
    port = settings.get("port") or ("465" if scheme == "smtps" else "587")
    if not port.isdigit():
        raise InputError(f"E-mail: invalid port {port[:20]!r}.", "Use 587 or 465.")
    url = f"{scheme}://{settings.get('host', '')}:{port}"
    return Request(url, envelope, message.as_bytes())


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise InputError(f"Invalid e-mail address {text[:60]!r}.", "Use the form name@host.")
    return text


FORWARDER = Forwarder(
    name="mail",
    title="E-mail",
    settings=(
        FormField("host", "Mail server", "Host name", True, example="mail.example.com"),
        FormField("port", "Port", "587 for STARTTLS, 465 for implicit TLS"),
        FormField("tls", "TLS", "Required", default="starttls", choices=("starttls", "implicit")),
        FormField("from", "From", "name@host", True, example="trail@example.com"),
        FormField("to", "To", "name@host", True, example="mara@example.com"),
        FormField("user", "User", "Leave empty to send without signing in"),
        FormField("undo_url", "Undo link", "Same format as for Slack"),
    ),
    secrets=(FormField("password", "Password", "Password of the user"),),
    request=request,
    send=smtp.send,
)
