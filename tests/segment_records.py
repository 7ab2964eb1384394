"""Audit events in the formats in which Segment sends them.

`forwarded` is a track call of Audit Forwarding, `api_event` an object of the Public API. The other
functions return special cases of these, or what contains them.
"""

import datetime as dt
import gzip
import json
from collections.abc import Iterable
from typing import Any

Record = dict[str, Any]

START = dt.datetime(2026, 11, 1, 8, 0, tzinfo=dt.UTC)
USER = "MNxxtIRCbe"
WORKSPACE = "VWDxzzIpI5"


# The path to the object that contains a key.
_CONTAINERS = {"": (), "properties": ("properties",), "details": ("properties", "details")}


def moment(number: int = 0) -> str:
    """Return the time *number* minutes after START in Segment's format."""
    at = START + dt.timedelta(minutes=number)
    return f"{at.strftime('%Y-%m-%dT%H:%M:%S')}.{at.microsecond // 1000:03}Z"


def gz(data: bytes) -> bytes:
    """Return *data* in gzip format without a timestamp, so that equal data gives equal bytes."""
    return gzip.compress(data, 6, mtime=0)


def message_id(number: int) -> str:
    """Return a message id in the format of Audit Forwarding."""
    return f"api-{number:027}"


def forwarded(
    number: int = 1,
    type: str = "Source Modified",
    *,
    details: Record | None = None,
    properties: Record | None = None,
    without: Iterable[str] = (),
    **top: Any,
) -> Record:
    """Return a call of Audit Forwarding; *number* determines its id and its minute.

    *details*, *properties* and *top* override the default values. *without* names keys to omit,
    such as `userId` or `details.subject`.
    """
    at = moment(number)
    record: Record = {
        "channel": "server",
        "context": {"library": {"name": "unknown", "version": "unknown"}},
        "event": "Audit",
        "integrations": {},
        "messageId": message_id(number),
        "originalTimestamp": at,
        "projectId": "B4fc7r2vDB",
        "properties": {
            "details": {
                "resource_id": "LAn9KpdvNZ",
                "resource_type": "source",
                "source_id": "LAn9KpdvNZ",
                "subject": f"users/{USER}",
                "target": "Web shop",
                **(details or {}),
            },
            "type": type,
            "workspace_id": WORKSPACE,
            **(properties or {}),
        },
        "receivedAt": at,
        "timestamp": at,
        "type": "track",
        "userId": USER,
        "version": 2,
        **top,
    }
    for name in without:
        inner, _, key = name.rpartition(".")
        container = record
        for part in _CONTAINERS[inner]:
            container = container[part]
        del container[key]
    return record


def api_event(
    number: int = 1, type: str = "Source Modified", *, without: Iterable[str] = (), **fields: Any
) -> Record:
    """Return an audit event in the format of the Public API; *number* determines id and time."""
    record: Record = {
        "id": f"evt_{number:022}",
        "timestamp": moment(number),
        "type": type,
        "actor": f"users/{USER}",
        "actorEmail": "mara@example.com",
        "resourceId": "LAn9KpdvNZ",
        "resourceType": "Sources",
        "resourceName": "Web shop",
        **fields,
    }
    return {key: value for key, value in record.items() if key not in set(without)}


def permission_check(number: int = 1) -> Record:
    """Return a call with `subject_id` as the actor and without a target."""
    return forwarded(
        number,
        "Permission Check",
        details={
            "action": "source:debugger-view",
            "sso_connection_id": "",
            "subject_id": USER,
            "subject_type": "user",
        },
        without=("details.subject", "details.target", "details.source_id"),
    )


def new_event_allowed(number: int = 1) -> Record:
    """Return a call made by the system: `__system__` as the user and no subject."""
    return forwarded(
        number,
        "New Event Allowed",
        details={
            "blocked": "false",
            "message_id": message_id(number + 1_000_000),
            "name": "Space Modified",
            "planned": "false",
            "source_name": "Web shop",
            "source_slug": "web_shop",
            "tracking_plan_connected": "false",
            "tracking_plan_id": "",
            "type": "track",
        },
        without=("details.subject", "details.target"),
        userId="__system__",
    )


def replayed(record: Record) -> Record:
    """Return the call as a replay sends it: the same id, with `replay`, without two keys."""
    kept = {key: value for key, value in record.items() if key not in ("projectId", "version")}
    return {**kept, "replay": True}


def api_page(records: list[Record], **pagination: Any) -> Record:
    """Return a response of the Public API that contains *records*."""
    return {
        "data": {
            "events": records,
            "pagination": {"current": "MA==", "totalEntries": len(records), **pagination},
        }
    }


def saved_request(record: Record | list[Record]) -> Record:
    """Return a request as Segment's function tester saves it: body, headers, query parameters."""
    return {
        "payload": {
            "body": record,
            "headers": {"Content-Type": ["application/json"], "User-Agent": ["Segment.io/1.0"]},
            "queryParameters": {},
        }
    }


def batch_call(records: list[Record]) -> Record:
    """Return a request body of `/v1/batch`."""
    return {"batch": records, "sentAt": moment(), "writeKey": "not-a-real-key"}


def line(record: Any) -> bytes:
    """Return *record* as compact JSON without a newline."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


def ndjson(records: Iterable[Any]) -> bytes:
    """Return *records* as newline-delimited JSON; bytes are included unchanged."""
    return b"".join(
        (record if isinstance(record, bytes) else line(record)) + b"\n" for record in records
    )
