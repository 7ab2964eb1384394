"""Invented records in the formats that Segment sends."""

import json
from collections.abc import Iterable
from typing import Any

Record = dict[str, Any]

WORKSPACE = "Wk8QzT4mPa"
USER = "Qx7LmN2pRt"
SOURCE = "Hs5VbC9kLd"
AT = "2026-03-02T10:15:30.250Z"


def forwarded(
    number: int = 1,
    action: str = "Source Modified",
    *,
    at: Any = AT,
    target: str = "Web shop",
    resource_type: str = "source",
    resource_id: str = SOURCE,
    subject: str = f"users/{USER}",
    details: Record | None = None,
    **top: Any,
) -> Record:
    """Return a forwarded call as it is received; *details* and *top* add or replace fields.

    A value of None takes the key away.
    """
    message = {
        "resource_id": resource_id,
        "resource_type": resource_type,
        "subject": subject,
        "target": target,
        **(details or {}),
    }
    call = {
        "channel": "server",
        "context": {"library": {"name": "unknown", "version": "unknown"}},
        "event": "Audit",
        "integrations": {},
        "messageId": f"api-2mVxKq8Tz{number:018d}",
        "originalTimestamp": at,
        "projectId": SOURCE,
        "properties": {"details": _kept(message), "type": action, "workspace_id": WORKSPACE},
        "receivedAt": at,
        "timestamp": at,
        "type": "track",
        "userId": USER,
        "version": 2,
        **top,
    }
    return _kept(call)


def api_event(number: int = 1, action: str = "Source Modified", **top: Any) -> Record:
    """Return an event as the Public API returns it; *top* adds or replaces fields, None removes."""
    return _kept(
        {
            "id": f"evt{number:024d}",
            "timestamp": AT,
            "type": action,
            "actor": f"users/{USER}",
            "resourceId": SOURCE,
            "resourceType": "source",
            "resourceName": "Web shop",
            **top,
        }
    )


def api_page(events: list[Record]) -> Record:
    """Return *events* as one page of a Public API response."""
    return {"data": {"events": events, "pagination": {"current": "MA==", "next": "Mw=="}}}


def batch_call(calls: list[Record]) -> Record:
    """Return *calls* as the body of a batch request of the tracking API."""
    return {"batch": calls, "sentAt": AT}


def saved_request(body: Any) -> Record:
    """Return *body* as the function tester saves a request."""
    return {
        "payload": {
            "body": body,
            "headers": {"Content-Type": ["application/json"], "User-Agent": ["Segment.io/1.0"]},
            "queryParameters": {},
        }
    }


def line(record: Any) -> bytes:
    """Return *record* as one line of NDJSON, without the newline."""
    return json.dumps(record, separators=(",", ":")).encode()


def ndjson(records: Iterable[Any]) -> bytes:
    """Return *records* as NDJSON; bytes are included unchanged."""
    return b"".join(
        (record if isinstance(record, bytes) else line(record)) + b"\n" for record in records
    )


def _kept(record: Record) -> Record:
    return {key: value for key, value in record.items() if value is not None}
