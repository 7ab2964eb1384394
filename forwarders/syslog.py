"""Syslog (RFC 5424) over TLS (RFC 5425): one framed message for each event, as JSON or CEF.

Messages are framed by their length (RFC 6587, octet counting), so that nothing in an event can
begin another message. The text is one line of printable characters or JSON, which escapes the rest.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from forwarders import _siem
from forwarders._message import compose
from trail.core import catalogue
from trail.core.clock import utc_text
from trail.core.errors import InputError
from trail.core.model import Batching, FormField, Forwarder, Notification, Request, Values
from trail.events import document
from trail.notifications import retry_policy
from trail.notifications import syslog_transport as transport

# The size that receivers should support (RFC 5425, 4.3.1), and accept by default.
MESSAGE_BYTES = 8192
_BATCH = 200
_AUDIT = 13  # facility
_BY_RISK = {"high": 4, "medium": 5, "low": 6}
_BY_SEVERITY = {"critical": 2, "warning": 4}
_INFO = 6
_SHORT = 120


def request(
    notifications: Sequence[Notification], settings: Values, secrets: Values, now: dt.datetime
) -> Request:
    """Return the frames of *notifications*; raises `InputError` for an invalid port."""
    port = settings.get("port") or "6514"
    if not (port.isascii() and port.isdigit()):
        raise InputError(f"Syslog: invalid port {port[:20]!r}.", "Use a number such as 6514.")
    messages = [message(item, settings) for item in notifications]
    frames = b"".join(b"%d %s" % (len(item), item) for item in messages)
    return Request(f"syslogs://{settings.get('host', '')}:{port}", (), frames)


def message(notification: Notification, settings: Values) -> bytes:
    """Return one message of at most `MESSAGE_BYTES`; long texts are cut to fit."""
    host = urlsplit(notification.home).hostname or "-"
    time = utc_text(_siem.time(notification))
    priority = _AUDIT * 8 + _severity(notification)
    head = f"<{priority}>1 {time} {host} {document.SOFTWARE} - {notification.kind} - ".encode()
    return head + _text(notification, settings, MESSAGE_BYTES - len(head))


def _severity(notification: Notification) -> int:
    if notification.kind == "event":
        return _BY_RISK[catalogue.risk_level(document.risk(notification.body))]
    return _BY_SEVERITY.get(compose(notification, {}).severity, _INFO)


def _text(notification: Notification, settings: Values, limit: int) -> bytes:
    text = _siem.to_text(notification, settings)
    if len(text) > limit:
        text = _siem.to_text(notification, {**settings, "original": "omit"})
    if len(text) <= limit:
        return text
    if settings.get("format") == "cef":
        # Neither inside a character nor inside an escape sequence.
        return text[:limit].decode(errors="ignore").rstrip("\\").encode()
    return document.line(_shortened(_siem.to_document(notification, settings)))


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items() if name != "raw_data"}
    return value[:_SHORT] if isinstance(value, str) else value


FORWARDER = Forwarder(
    name="syslog",
    title="Syslog over TLS",
    settings=(
        FormField(
            "host", "Server", "Host name, as in its certificate", True, example="siem.example.com"
        ),
        FormField("port", "Port", "Port of the server", default="6514"),
        FormField(
            "format",
            "Format",
            "Format of the messages: OCSF or ECS as JSON, or CEF",
            default="ocsf",
            choices=("ocsf", "ecs", "cef"),
        ),
        _siem.ORIGINAL,
    ),
    secrets=(),
    request=_siem.one(request),
    send=transport.send,
    batch=Batching(_BATCH, request, retry_policy.judge_batch),
)
