"""A Segment source: every audit event as a track call to the HTTP Tracking API.

Segment's own Audit Forwarding names every event `Audit` and sends no e-mail address. Here the
event name is the action (configurable), the actor's e-mail is a property, and `messageId` is the
event id, by which Segment deduplicates. Format and limits: Segment's HTTP API source (32 KB per
event, messageId under 100 characters, 400 for oversized events, 200 otherwise).

A new event name in a source is itself audited ("New Event Allowed"). Such echoes, and events about
the receiving source, are not forwarded, since they would cause an endless loop.
"""

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from forwarders._message import compose
from trail.core.clock import utc_text
from trail.core.errors import InputError
from trail.core.model import FormField, Forwarder, Notification, Request, Values
from trail.core.text import one_line

HOSTS = {"us": "https://api.segment.io", "eu": "https://events.eu1.segmentapis.com"}
EVENT_BYTES = 32 * 1024
_MAX_ID_LENGTH = 99
_MAX_TEXT_LENGTH = 500


def accepts(notification: Notification, settings: Values) -> bool:
    """Return False for echoes and for events about the receiving source.

    The setting `source` identifies the receiving source by id or name.
    """
    event = notification.body
    if notification.kind == "alert":
        event = event.get("event") or {}
    if event.get("echo"):
        return False
    source = settings.get("source", "")
    if not source:
        return True
    details = _details(event)
    sources = {
        str(event.get("target_id") or "").rpartition("/")[2],
        str(event.get("target_name") or ""),
        *(str(details.get(name) or "") for name in ("source_id", "source_name", "source_slug")),
    }
    return source not in sources


def request(
    notification: Notification, settings: Values, secrets: Values, now: dt.datetime
) -> Request:
    """Return the POST to `/v1/track`, authorized by the write key."""
    if not secrets.get("write_key"):
        raise InputError("Segment source: the write key is missing.")
    track_call = (_event_call if notification.kind == "event" else _report_call)(
        notification, settings
    )
    body = _to_json(track_call)
    if len(body) > EVENT_BYTES:
        body = _to_json(_truncate(track_call))
    key = base64.b64encode(f"{secrets['write_key']}:".encode()).decode()
    base = settings.get("url") or HOSTS[settings.get("region") or "us"]
    headers = (("Content-Type", "application/json"), ("Authorization", f"Basic {key}"))
    return Request(f"{base.rstrip('/')}/v1/track", headers, body)


def _event_call(notification: Notification, settings: Values) -> dict[str, Any]:
    event = notification.body
    details = {
        **_forwarding_details(event),
        **{name: value for name, value in _details(event).items() if value not in (None, "")},
    }
    if event.get("actor_email"):
        details["subject_email"] = str(event["actor_email"])
    by_action = settings.get("event_name", "action") != "audit"
    properties = {
        "type": event.get("action_raw") or event.get("action"),
        "details": details,
        "workspace_id": event.get("workspace_id") or "",
        **{
            name: event[name]
            for name in ("action", "category", "kind", "outcome", "risk", "actor_email")
            if event.get(name) is not None
        },
        "actor": event.get("actor_id"),
        "actor_name": event.get("actor_name") or "",
    }
    name = one_line(event.get("action")) if by_action else "Audit"
    return _track_call(
        name or "Audit", _user_id(event), notification.key, event.get("occurred_at"), properties
    )


def _report_call(notification: Notification, settings: Values) -> dict[str, Any]:
    message = compose(notification, settings)
    properties = {
        "type": f"Audit Trail {notification.kind.title()}",
        "title": message.title,
        "text": message.sentence,
        "severity": message.severity,
        "link": message.link,
        "count": notification.body.get("count", 1),
    }
    user = _user_id(notification.body) if notification.body.get("actor_id") else "audit-trail"
    time = utc_text(notification.created_at)
    return _track_call(
        str(properties["type"]), user, f"{notification.kind}-{notification.key}", time, properties
    )


def _track_call(name: str, user: str, key: str, time: object, properties: object) -> dict[str, Any]:
    return {
        "type": "track",
        "event": name,
        "userId": user,
        "messageId": _message_id(key),
        "timestamp": _format_timestamp(time),
        "context": {"library": {"name": "segment-audit-trail", "version": "1"}},
        "properties": properties,
    }


def _forwarding_details(event: Mapping[str, Any]) -> dict[str, str]:
    """Return `details` in the form of Audit Forwarding, all values strings."""
    details = {
        "resource_id": event.get("target_id"),
        "resource_type": event.get("target_type"),
        "target": event.get("target_name"),
        "subject": event.get("actor_id"),
    }
    return {name: str(value) for name, value in details.items() if value}


def _details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the `details` of a forwarded record; empty for a Public API record."""
    try:
        result = json.loads(str(event.get("raw") or "{}"))["properties"]["details"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return result if isinstance(result, dict) else {}


def _user_id(event: Mapping[str, Any]) -> str:
    """Return the user ID: the ID of a user or token without prefix, or `__system__` for Segment."""
    actor = str(event.get("actor_id") or "unknown")
    if event.get("actor_type") == "system":
        return "__system__"
    return actor.removeprefix("users/").removeprefix("tokens/")


def _message_id(key: str) -> str:
    if len(key) <= _MAX_ID_LENGTH:
        return key
    return "sha256-" + hashlib.sha256(key.encode(errors="replace")).hexdigest()


def _format_timestamp(time: object) -> str:
    """Return a timestamp in Segment's format: milliseconds, with more digits only if not zero."""
    text = (f"{time.isoformat()}" if isinstance(time, dt.datetime) else str(time)).removesuffix("Z")
    seconds, _, fraction = text.partition(".")
    fraction = fraction.ljust(3, "0")
    return f"{seconds}.{fraction[:3] if not fraction[3:].strip('0') else fraction}Z"


def _truncate(track_call: dict[str, Any]) -> dict[str, Any]:
    """Return *track_call* truncated to Segment's size limit and marked `shortened`."""
    properties = dict(track_call["properties"])
    details = properties.get("details") or {}
    names = ("resource_id", "resource_type", "subject", "subject_email", "target", "source_id")
    properties["details"] = {
        name: str(details[name])[:_MAX_TEXT_LENGTH] for name in names if name in details
    }
    truncated = {
        name: value[:_MAX_TEXT_LENGTH] if isinstance(value, str) else value
        for name, value in properties.items()
    }
    return {
        **track_call,
        "event": track_call["event"][:_MAX_TEXT_LENGTH],
        "properties": {**truncated, "shortened": True},
    }


def _to_json(track_call: dict[str, Any]) -> bytes:
    return json.dumps(track_call, ensure_ascii=False, separators=(",", ":"), default=str).encode()


FORWARDER = Forwarder(
    name="segment_source",
    title="Segment source",
    settings=(
        FormField("region", "Region", "Workspace region", default="us", choices=("us", "eu")),
        FormField("url", "URL", "Overrides the region"),
        FormField(
            "event_name",
            "Event name",
            "The action, or Audit as in Segment's Audit Forwarding",
            default="action",
            choices=("action", "audit"),
        ),
        FormField(
            "source", "Source", "ID or name of the receiving source; events about it are not sent"
        ),
    ),
    secrets=(
        FormField(
            "write_key", "Write key", "Write key of an HTTP API source", True, example="write-key"
        ),
    ),
    request=request,
    accepts=accepts,
    hosts=tuple(url.removeprefix("https://") for url in HOSTS.values()),
)
