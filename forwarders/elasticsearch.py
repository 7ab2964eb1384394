"""Elasticsearch and OpenSearch: batches of events by the bulk API, into a data stream or an index.

Each event is created under its own ID, so that a duplicate is answered with 409 and counts as
delivered. Every event of a batch has its own result: 429 and 5xx are retried, 400 is a dead letter.
"""

import base64
import datetime as dt
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from forwarders import _siem
from trail.core.clock import utc_text
from trail.core.errors import InputError
from trail.core.model import (
    Batching,
    FormField,
    Forwarder,
    Notification,
    Request,
    Response,
    Values,
    Verdict,
)
from trail.notifications import retry_policy

# Only the fields that `judge` reads, so that the response for a whole batch stays small.
_PATH = "/_bulk?filter_path=errors,items.*.status,items.*.error.type"
_BATCH = 250
_ID_BYTES = 512
_INDEX = re.compile(r"[a-z0-9.][a-z0-9._-]{0,199}")


def request(
    notifications: Sequence[Notification], settings: Values, secrets: Values, now: dt.datetime
) -> Request:
    """Return the bulk request; raises `InputError` for an invalid index, or without credentials."""
    index = settings.get("index") or "logs-segment.audit-default"
    if not _INDEX.fullmatch(index) or index in (".", ".."):
        raise InputError(f"Elasticsearch: invalid index {index[:60]!r}.", "Use lowercase letters.")
    lines = []
    for item in notifications:
        lines.append(orjson.dumps({"create": {"_id": _document_id(item)}}))
        # A data stream needs the time under this name in every format.
        time = {"@timestamp": utc_text(_siem.time(item))}
        lines.append(orjson.dumps({**time, **_siem.to_document(item, settings, "ecs")}))
    headers = (
        ("Content-Type", "application/x-ndjson"),
        ("Authorization", _authorization(settings, secrets)),
    )
    url = _siem.below(settings.get("url", ""), f"/{index}{_PATH}")
    return Request(url, headers, b"\n".join([*lines, b""]))


def _authorization(settings: Values, secrets: Values) -> str:
    if secrets.get("api_key"):
        return f"ApiKey {secrets['api_key']}"
    if settings.get("user") and secrets.get("password"):
        pair = f"{settings['user']}:{secrets['password']}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    raise InputError("Elasticsearch: no credentials.", "Set an API key, or a user and a password.")


def _document_id(notification: Notification) -> str:
    plain = _siem.identifier(notification)
    if len(plain.encode()) <= _ID_BYTES:
        return plain
    return f"sha256-{hashlib.sha256(plain.encode()).hexdigest()}"


def judge(response: Response, number: int) -> list[Verdict]:
    """Return the verdict of each of *number* events, or one of the whole request."""
    if not 200 <= response.status < 300:
        return retry_policy.judge_batch(response, number)
    items = _items(response)
    if len(items) != number:
        return [Verdict("retry", "The response is not a bulk API response.")]
    return [_judge_item(item) for item in items]


def _judge_item(item: dict[str, Any]) -> Verdict:
    status, error = item.get("status"), item.get("error")
    reason = str(error.get("type", ""))[:60] if isinstance(error, dict) else ""
    if not isinstance(status, int):
        return Verdict("retry", "The response is not a bulk API response.")
    if status == 409:
        return Verdict("ok", "Already delivered (409).")
    verdict = retry_policy.judge(Response(status))
    return replace(verdict, text=f"{verdict.text} {reason}") if reason else verdict


def _items(response: Response) -> list[dict[str, Any]]:
    try:
        items = json.loads(response.body)["items"]
        return [result for item in items for result in item.values()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


FORWARDER = Forwarder(
    name="elasticsearch",
    title="Elasticsearch or OpenSearch",
    settings=(
        FormField("url", "URL", "https://host:port", True, example="https://elastic.example.com"),
        FormField(
            "index", "Data stream", "Data stream or index", default="logs-segment.audit-default"
        ),
        FormField("user", "User", "User for the password; leave empty with an API key"),
        FormField(
            "format", "Format", "Schema of the events", default="ecs", choices=("ecs", "ocsf")
        ),
        _siem.ORIGINAL,
    ),
    secrets=(
        FormField("api_key", "API key", "Encoded API key", example="api-key"),
        FormField("password", "Password", "Password of the user"),
    ),
    request=_siem.one(request),
    batch=Batching(_BATCH, request, judge),
)
