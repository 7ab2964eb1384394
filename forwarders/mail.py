"""E-mail, one message a thing told, as plain text.

Built by the standard library's `EmailMessage`, which refuses line ends in a header; what comes
from an event is one printable line before it gets there, so no event can add a header.
"""

import datetime as dt
import re
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256

from forwarders._message import compose
from trail.core.event_text import one_line
from trail.errors import InputError
from trail.model import Blank, Forwarder, Parcel, Request
from trail.outbox import answers

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def request(
    parcel: Parcel, settings: Mapping[str, str], secrets: Mapping[str, str], now: dt.datetime
) -> Request:
    """Return the message with its envelope; raises `InputError` for an address of no plain form."""
    content = compose(parcel, settings)
    sender, receiver = _address(settings.get("from", "")), _address(settings.get("to", ""))
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Audit trail", addr_spec=sender)
    message["To"] = Address(addr_spec=receiver)
    message["Subject"] = one_line(f"[{content.severity}] {content.title}", 150)
    message["Date"] = format_datetime(now)
    # The same for each copy, so that a mail program shows it once.
    digest = sha256(f"{parcel.kind} {parcel.key}".encode(errors="replace")).hexdigest()
    message["Message-ID"] = f"<{digest[:40]}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday note answers it
    text = content.text() + (f"\n\n{content.reason}" if content.reason else "")
    message.set_content(f"{text.encode(errors='replace').decode()}\n", cte="quoted-printable")
    envelope = (
        ("from", sender),
        ("to", receiver),
        ("user", settings.get("user", "")),
        ("password", secrets.get("password", "")),
    )
    scheme = "smtps" if settings.get("tls", "starttls") == "implicit" else "smtp"
    port = settings.get("port") or ("465" if scheme == "smtps" else "587")
    if not port.isdigit():
        raise InputError("E-mail: the port is no number.", "Use 587 or 465.")
    url = f"{scheme}://{settings.get('host', '')}:{port}"
    return Request("MAIL", url, envelope, message.as_bytes())


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise InputError(f"{text[:60]!r} is no plain e-mail address.", "Write one: name@host.")
    return text


FORWARDER = Forwarder(
    name="mail",
    title="E-mail",
    settings=(
        Blank("host", "Mail server", "Its name", required=True),
        Blank("port", "Port", "587 for STARTTLS, 465 for TLS from the start"),
        Blank("tls", "TLS", "Never without", default="starttls", choices=("starttls", "implicit")),
        Blank("from", "From", "name@host", required=True),
        Blank("to", "To", "name@host", required=True),
        Blank("user", "User", "Empty signs in nowhere"),
        Blank("undo_url", "Undo link", "As for Slack"),
    ),
    secrets=(Blank("password", "Password", "Belongs to the user"),),
    request=request,
    judge=answers.judge,
)
