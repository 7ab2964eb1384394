"""A Segment source, by the HTTP Tracking API: each event once more, named so that it can be used.

Segment's own Audit Forwarding names every event `Audit` and brings no e-mail; here the name is the
action (by setting), the e-mail is among the properties, and `messageId` is the event's id, by which
Segment drops copies. Format and limits: Segment's documentation of the HTTP API source (32 KB an
event, messageId under 100 characters, 400 for what is too large, 200 for anything else).

A new name reaching a source is itself an audit event ("New Event Allowed"). Such echoes, and all
that happens to our own source, are never sent there: it would go round for ever.
"""

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from forwarders._message import compose
from trail.core.event_text import one_line
from trail.model import Blank, Forwarder, Parcel, Request
from trail.outbox import answers

HOSTS = {"us": "https://api.segment.io", "eu": "https://events.eu1.segmentapis.com"}
EVENT_BYTES = 32 * 1024
_LONGEST_ID = 99
_CUT = 500


def takes(parcel: Parcel, settings: Mapping[str, str]) -> bool:
    """Return whether *parcel* may go to this source: no echo, and nothing about the source itself.

    The source is known by the setting `source`: its id or its name.
    """
    event = parcel.body
    if parcel.kind == "alert":
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
    parcel: Parcel, settings: Mapping[str, str], secrets: Mapping[str, str], now: dt.datetime
) -> Request:
    """Return the POST to `/v1/track` with the write key as its user."""
    call = _event(parcel, settings) if parcel.kind == "event" else _other(parcel, settings)
    body = _dumped(call)
    if len(body) > EVENT_BYTES:
        body = _dumped(_shortened(call))
    key = base64.b64encode(f"{secrets.get('write_key', '')}:".encode()).decode()
    base = settings.get("url") or HOSTS[settings.get("region") or "us"]
    headers = (("Content-Type", "application/json"), ("Authorization", f"Basic {key}"))
    return Request("POST", f"{base.rstrip('/')}/v1/track", headers, body)


def _event(parcel: Parcel, settings: Mapping[str, str]) -> dict[str, Any]:
    event = parcel.body
    details = {
        **_made_details(event),
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
    return _call(name or "Audit", _user(event), parcel.key, event.get("occurred_at"), properties)


def _other(parcel: Parcel, settings: Mapping[str, str]) -> dict[str, Any]:
    content = compose(parcel, settings)
    properties = {
        "type": f"Audit Trail {parcel.kind.title()}",
        "title": content.title,
        "text": content.sentence,
        "severity": content.severity,
        "link": content.link,
        "count": parcel.body.get("count", 1),
    }
    user = _user(parcel.body) if parcel.body.get("actor_id") else "audit-trail"
    at = f"{parcel.created_at.isoformat()}Z"
    return _call(str(properties["type"]), user, f"{parcel.kind}-{parcel.key}", at, properties)


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


def _made_details(event: Mapping[str, Any]) -> dict[str, str]:
    """Return `details` as Audit Forwarding would write them, all values strings."""
    made = {
        "resource_id": event.get("target_id"),
        "resource_type": event.get("target_type"),
        "target": event.get("target_name"),
        "subject": event.get("actor_id"),
    }
    return {name: str(value) for name, value in made.items() if value}


def _details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the details that the record itself brought; none for a record of the API."""
    try:
        found = json.loads(str(event.get("raw") or "{}"))["properties"]["details"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


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
    """Return a time of three digits as Segment writes it; more where it has more."""
    text = (f"{at.isoformat()}" if isinstance(at, dt.datetime) else str(at)).removesuffix("Z")
    seconds, _, fraction = text.partition(".")
    fraction = fraction.ljust(3, "0")
    return f"{seconds}.{fraction[:3] if not fraction[3:].strip('0') else fraction}Z"


def _shortened(call: dict[str, Any]) -> dict[str, Any]:
    """Return *call* with its long texts cut and a note of it, so that Segment takes it."""
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
        Blank("region", "Region", "Where that workspace is", default="us", choices=("us", "eu")),
        Blank("url", "Address", "Another address than the region's own"),
        Blank(
            "event_name",
            "Event name",
            "The action, or Audit as Segment's own forwarding",
            default="action",
            choices=("action", "audit"),
        ),
        Blank("source", "The source itself", "Its id or name, so that it never tells of itself"),
    ),
    secrets=(Blank("write_key", "Write key", "Of an HTTP API source", required=True),),
    request=request,
    judge=answers.judge,
    takes=takes,
)
