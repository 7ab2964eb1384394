"""A Segment source, through the HTTP Tracking API: every audit event as a usable track call.

Segment's own Audit Forwarding names every event `Audit` and sends no e-mail address. Here the
event name is the action (configurable), the actor's e-mail is a property, and `messageId` is the
event id, by which Segment deduplicates. Format and limits: Segment's HTTP API source (32 KB per
event, messageId under 100 characters, 400 for oversized events, 200 otherwise).

A new event name in a source is itself audited ("New Event Allowed"). Those echoes, and events
about the receiving source, are not sent, which would loop forever.
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
_LONGEST_ID = 99
_CUT = 500


def accepts(notification: Notification, settings: Values) -> bool:
    """Return False for echoes and for events about the receiving source.

    The setting `source` identifies the receiving source by id or name.
    """
    event = notification.body
    if notification.kind == "alert":
        event = event.get("event") or {}
    if event.get("echo"):
        return False
    own = settings.get("source", "")
    if not own:
        return True
    details = _details(event)
    named = {
        str(event.get("target_id") or "").rpartition("/")[2],
        str(event.get("target_name") or ""),
        *(str(details.get(name) or "") for name in ("source_id", "source_name", "source_slug")),
    }
    return own not in named


def request(
    notification: Notification, settings: Values, secrets: Values, now: dt.datetime
) -> Request:
    """Return the POST to `/v1/track`, authorized by the write key."""
    if not secrets.get("write_key"):
        raise InputError("Segment source: the write key is missing.")
    call = (_event if notification.kind == "event" else _other)(notification, settings)
    body = _dumped(call)
    if len(body) > EVENT_BYTES:
        body = _dumped(_shortened(call))
    key = base64.b64encode(f"{secrets['write_key']}:".encode()).decode()
    base = settings.get("url") or HOSTS[settings.get("region") or "us"]
    headers = (("Content-Type", "application/json"), ("Authorization", f"Basic {key}"))
    return Request(f"{base.rstrip('/')}/v1/track", headers, body)


def _event(notification: Notification, settings: Values) -> dict[str, Any]:
    event = notification.body
    details = {
        **_standard_details(event),
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
    return _call(
        name or "Audit", _user(event), notification.key, event.get("occurred_at"), properties
    )


def _other(notification: Notification, settings: Values) -> dict[str, Any]:
    content = compose(notification, settings)
    properties = {
        "type": f"Audit Trail {notification.kind.title()}",
        "title": content.title,
        "text": content.sentence,
        "severity": content.severity,
        "link": content.link,
        "count": notification.body.get("count", 1),
    }
    user = _user(notification.body) if notification.body.get("actor_id") else "audit-trail"
    at = utc_text(notification.created_at)
    return _call(
        str(properties["type"]), user, f"{notification.kind}-{notification.key}", at, properties
    )


def _call(name: str, user: str, key: str, at: object, properties: object) -> dict[str, Any]:
    return {
        "type": "track",
        "event": name,
        "userId": user,
        "messageId": _message_id(key),
        "timestamp": _moment(at),
        "context": {"library": {"name": "segment-audit-trail", "version": "1"}},
        "properties": properties,
    }


def _standard_details(event: Mapping[str, Any]) -> dict[str, str]:
    """Return `details` in the form of Audit Forwarding, all values strings."""
    made = {
        "resource_id": event.get("target_id"),
        "resource_type": event.get("target_type"),
        "target": event.get("target_name"),
        "subject": event.get("actor_id"),
    }
    return {name: str(value) for name, value in made.items() if value}


def _details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the `details` of a forwarded record; empty for a record of the Public API."""
    try:
        result = json.loads(str(event.get("raw") or "{}"))["properties"]["details"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return result if isinstance(result, dict) else {}


def _user(event: Mapping[str, Any]) -> str:
    """Return the user id: the bare id of a person or token, `__system__` for Segment itself."""
    actor = str(event.get("actor_id") or "unknown")
    if event.get("actor_type") == "system":
        return "__system__"
    return actor.removeprefix("users/").removeprefix("tokens/")


def _message_id(key: str) -> str:
    if len(key) <= _LONGEST_ID:
        return key
    return "sha256-" + hashlib.sha256(key.encode(errors="replace")).hexdigest()


def _moment(at: object) -> str:
    """Return a time as Segment writes it: milliseconds, or more digits where they are not zero."""
    text = (f"{at.isoformat()}" if isinstance(at, dt.datetime) else str(at)).removesuffix("Z")
    seconds, _, fraction = text.partition(".")
    fraction = fraction.ljust(3, "0")
    return f"{seconds}.{fraction[:3] if not fraction[3:].strip('0') else fraction}Z"


def _shortened(call: dict[str, Any]) -> dict[str, Any]:
    """Return *call* with long texts cut to fit Segment's limit, marked `shortened`."""
    properties = dict(call["properties"])
    given = properties.get("details") or {}
    kept = ("resource_id", "resource_type", "subject", "subject_email", "target", "source_id")
    properties["details"] = {name: str(given[name])[:_CUT] for name in kept if name in given}
    cut = {
        name: value[:_CUT] if isinstance(value, str) else value
        for name, value in properties.items()
    }
    return {**call, "event": call["event"][:_CUT], "properties": {**cut, "shortened": True}}


def _dumped(call: dict[str, Any]) -> bytes:
    return json.dumps(call, ensure_ascii=False, separators=(",", ":"), default=str).encode()


FORWARDER = Forwarder(
    name="segment_source",
    title="Segment source",
    settings=(
        FormField("region", "Region", "Workspace region", default="us", choices=("us", "eu")),
        FormField("url", "URL", "Overrides the URL of the region"),
        FormField(
            "event_name",
            "Event name",
            "The action, or Audit as in Segment's own forwarding",
            default="action",
            choices=("action", "audit"),
        ),
        FormField("source", "Source", "Its id or name; events about it are not sent to it"),
    ),
    secrets=(
        FormField("write_key", "Write key", "Of an HTTP API source", True, example="write-key"),
    ),
    request=request,
    accepts=accepts,
)
