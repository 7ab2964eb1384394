"""Splunk: batches of events to an HTTP Event Collector (HEC).

Splunk does not deduplicate. Events are sent at least once; the field `event_id` identifies
duplicates. The token must not require indexer acknowledgment, which needs a second request.
"""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import orjson

from forwarders import _siem
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
from trail.events import document
from trail.notifications import retry_policy

_PATH = "/services/collector/event"
_BATCH = 200
# HEC codes by meaning, with what the owner has to change.
_UNAUTHORISED = {
    1: "The token is disabled.",
    2: "A token is required.",
    3: "The token is invalid.",
    4: "The token is invalid.",
}
_REFUSED = {
    7: "The token may not write to this index.",
    10: "The token requires indexer acknowledgment. Switch it off for this token.",
}


def request(
    notifications: Sequence[Notification], settings: Values, secrets: Values, now: dt.datetime
) -> Request:
    """Return the POST of all *notifications*, one JSON object a line, authorized by the token."""
    if not secrets.get("token"):
        raise InputError("Splunk: the token is missing.")
    headers = (
        ("Content-Type", "application/json"),
        ("Authorization", f"Splunk {secrets['token']}"),
    )
    body = b"\n".join(orjson.dumps(_envelope(item, settings)) for item in notifications)
    return Request(_siem.below(settings.get("url", ""), _PATH), headers, body)


def _envelope(notification: Notification, settings: Values) -> dict[str, Any]:
    return {
        "time": document.milliseconds(_siem.time(notification)) / 1000,
        "source": document.SOFTWARE,
        "sourcetype": settings.get("sourcetype") or "segment:audit",
        **document.present(index=settings.get("index")),
        "fields": {"event_id": _siem.identifier(notification)},
        "event": _siem.to_document(notification, settings),
    }


def judge(response: Response, number: int) -> list[Verdict]:
    """Return the verdicts of the first of *number* events, up to an invalid one.

    HEC accepts the events before an invalid one and ignores those after it.
    """
    answer = _answer(response)
    code = answer.get("code")
    if code in _UNAUTHORISED and response.status in (401, 403):
        return [Verdict("unauthorised", f"Splunk: {_UNAUTHORISED[code]}")]
    if code in _REFUSED and response.status == 400:
        return [Verdict("refused", f"Splunk: {_REFUSED[code]}")]
    invalid = answer.get("invalid-event-number")
    if response.status == 400 and isinstance(invalid, int) and 0 <= invalid < number:
        taken = [Verdict("ok", "Delivered (200).")] * invalid
        return [*taken, Verdict("rejected", f"Splunk rejected the event (code {code}).")]
    if response.status == 200 and answer.get("code", 0) != 0:
        return [Verdict("retry", f"Splunk responded with code {str(code)[:20]}.")]
    return retry_policy.judge_batch(response, number)


def _answer(response: Response) -> dict[str, Any]:
    try:
        result = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return result if isinstance(result, dict) else {}


FORWARDER = Forwarder(
    name="splunk_hec",
    title="Splunk",
    settings=(
        FormField(
            "url",
            "URL",
            "Address of the HTTP Event Collector, with its port",
            True,
            example="https://http-inputs.example.com",
        ),
        FormField("index", "Index", "Leave empty for the default index of the token"),
        FormField(
            "sourcetype", "Source type", "Source type of all events", default="segment:audit"
        ),
        _siem.FORMAT,
        _siem.ORIGINAL,
    ),
    secrets=(
        FormField("token", "Token", "Token of the HTTP Event Collector", True, example="hec-token"),
    ),
    request=_siem.one(request),
    batch=Batching(_BATCH, request, judge),
)
