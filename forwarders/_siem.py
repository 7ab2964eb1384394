"""Shared by the SIEM forwarders: the choice of a format, and messages in that format."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from forwarders._message import compose
from trail.core.errors import InputError
from trail.core.model import FormField, Notification, Request, Values
from trail.events import cef, document, ecs, ocsf
from trail.events.document import Notice

FORMAT = FormField(
    "format", "Format", "Schema of the events", default="ocsf", choices=("ocsf", "ecs")
)
ORIGINAL = FormField(
    "original",
    "Original record",
    "Whether each event contains the record as Segment sent it",
    default="omit",
    choices=("omit", "include"),
)
_DOCUMENTS = {"ocsf": (ocsf.event, ocsf.notice), "ecs": (ecs.event, ecs.notice)}

BatchRequest = Callable[[Sequence[Notification], Values, Values, dt.datetime], Request]


def to_document(
    notification: Notification, settings: Values, default: str = FORMAT.default
) -> dict[str, Any]:
    """Return *notification* as the document that the setting `format`, or *default*, names.

    Raises `InputError` for an unknown format.
    """
    name = settings.get("format") or default
    if name not in _DOCUMENTS:
        raise InputError(f"Unknown format {name[:20]!r}.", f"Allowed: {', '.join(_DOCUMENTS)}.")
    event, notice = _DOCUMENTS[name]
    if notification.kind == "event":
        return event(_row(notification, settings))
    return notice(_notice(notification, settings))


def to_text(notification: Notification, settings: Values) -> bytes:
    """Return *notification* as one line of the format, JSON or CEF, without its end."""
    if settings.get("format") != "cef":
        return document.line(to_document(notification, settings))
    if notification.kind == "event":
        return cef.event(_row(notification, settings)).encode()
    return cef.notice(_notice(notification, settings)).encode()


def time(notification: Notification) -> dt.datetime:
    """Return when the event occurred, or the message was created, in naive UTC."""
    body = notification.body if notification.kind == "event" else {}
    created = {"created_at": notification.created_at}
    return document.moment({**body, **created}, "occurred_at", "created_at")


def identifier(notification: Notification) -> str:
    """Return the identifier of a message, equal in every attempt and replay: kind and key."""
    key = document.clean(notification.key)
    return key if notification.kind == "event" else f"{notification.kind}-{key}"


def one(request: BatchRequest) -> Callable[[Notification, Values, Values, dt.datetime], Request]:
    """Return the function that builds the request of a single notification."""
    return lambda notification, *args: request([notification], *args)


def below(url: str, path: str) -> str:
    """Return *path* below *url*; raises `InputError` for a URL with a query."""
    if "?" in url:
        raise InputError("The URL contains a query.", "Use the form https://host:port.")
    return f"{url.rstrip('/')}{path}"


def _row(notification: Notification, settings: Values) -> dict[str, Any]:
    row = {**notification.body, "event_id": notification.body.get("event_id") or notification.key}
    row["occurred_at"] = time(notification)
    if settings.get("original") != "include":
        row.pop("raw", None)
    return row


def _notice(notification: Notification, settings: Values) -> Notice:
    message = compose(notification, settings)
    return Notice(
        notification.kind,
        identifier(notification),
        time(notification),
        message.title,
        message.text(),
        message.severity,
        message.link,
    )
