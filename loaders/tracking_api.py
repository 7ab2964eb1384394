"""Segment's HTTP Tracking API: `/v1/track`, `/v1/batch` and its alias `/v1/import`.

Limits and responses follow Segment's documentation of the HTTP API: 32 KB per event, 500 KB and
2,500 events per batch, 400 with `code` and `message` for oversized or invalid bodies. Unlike
Segment, an unknown write key gets 401, so that no client assumes its events were stored.
"""

import base64
import datetime as dt
import hmac
import zlib
from typing import Any, ClassVar

import orjson
from pydantic import Field, SecretStr

from trail.core.model import Received, Receiver, RefusedError, Sent
from trail.core.settings import Section, Settings
from trail.ingest import json_records

EVENT_BYTES, BATCH_BYTES, BATCH_EVENTS = 32 * 1024, 500 * 1024, 2_500
_BATCH = "/v1/batch"
_BATCHES = (_BATCH, "/v1/import")  # the Java and Ruby libraries send batches to the second


class TrackingSettings(Section):
    """The HTTP Tracking API."""

    section: ClassVar[str] = "push"
    write_keys: tuple[SecretStr, ...] = Field(
        (), description="Write keys that `/v1/track`, `/v1/batch` and `/v1/import` accept."
    )


def read(sent: Sent, settings: Settings) -> Received:
    """Return the calls of a request, with the time of arrival where a call has none.

    Raises `RefusedError`: 400 for an oversized or invalid body, 401 for an unknown write key.
    """
    body = _unpacked(sent)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _bad("invalid_json", "The body is not JSON.") from None
    if not isinstance(document, dict):
        raise _bad("invalid_request", "The body is not a JSON object.")
    _check_key(sent, document, settings)
    try:
        if sent.path.rstrip("/").endswith(_BATCHES):
            calls = _batch(body.decode(), document)
        else:
            calls = [body.decode()]
        calls = [_without_key(call) for call in calls]
    except (ValueError, RecursionError):
        # Repeated names, or nesting too deep to split.
        raise _bad("invalid_request", "The body could not be parsed.") from None
    if any(len(call.encode()) > EVENT_BYTES for call in calls):
        raise _bad("payload_too_large", "An event is larger than 32 KB.")
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    texts = tuple(_completed(call, now).encode() for call in calls)
    return Received(texts, (True,) * len(texts), b'{"success":true}', named=True)


def _batch(text: str, document: dict[str, Any]) -> list[str]:
    calls = document.get("batch")
    if not isinstance(calls, list):
        raise _bad("invalid_request", "The body has no batch array.")
    if len(calls) > BATCH_EVENTS:
        raise _bad("payload_too_large", "The batch has more than 2,500 events.")
    return json_records.elements(text, "batch")


def _unpacked(sent: Sent) -> bytes:
    longest = BATCH_BYTES if sent.path.rstrip("/").endswith(_BATCHES) else EVENT_BYTES
    body = sent.body
    if sent.header("content-encoding") == ["gzip"]:
        unpack = zlib.decompressobj(wbits=31)
        try:
            body = unpack.decompress(body, longest + 1)
        except zlib.error:
            raise _bad("invalid_request", "The body is not gzip.") from None
    if len(body) > longest:
        raise _bad("payload_too_large", f"The body is larger than {longest // 1024} KB.")
    return body


def _check_key(sent: Sent, document: dict[str, Any], settings: Settings) -> None:
    given = document.get("writeKey")
    authorization = sent.header("authorization")
    if authorization:
        kind, _, text = authorization[0].partition(" ")
        given = _user_of(text) if kind.lower() == "basic" and len(authorization) == 1 else ""
    key = given.encode() if isinstance(given, str) else b""
    known = [
        write_key.get_secret_value().encode()
        for write_key in settings.of(TrackingSettings).write_keys
    ]
    if not any([hmac.compare_digest(key, item) and bool(item) for item in known]):  # noqa: C419
        body = orjson.dumps(
            {"success": False, "code": "unauthorized", "message": "Unknown write key."}
        )
        raise RefusedError(401, body, "unknown write key")


def _user_of(basic: str) -> str:
    try:
        return base64.b64decode(basic, validate=True).decode().partition(":")[0]
    except ValueError:  # invalid base64 or UTF-8
        return ""


def _without_key(text: str) -> str:
    """Return a call without the write key, since stored records are visible."""
    call = orjson.loads(text)
    has = isinstance(call, dict) and "writeKey" in call
    return json_records.without(text, "writeKey") if has else text


def _completed(text: str, now: str) -> str:
    """Return a call with the fields that Segment's server adds; the rest stays as sent."""
    call = orjson.loads(text)
    if not isinstance(call, dict):
        return text
    added = {
        name: value
        for name, value in (("type", "track"), ("timestamp", now), ("receivedAt", now))
        if not call.get(name) and not (name == "timestamp" and call.get("originalTimestamp"))
    }
    inside = orjson.dumps(added).decode()[1:-1]
    body = text.strip()
    comma = "," if call and inside else ""
    return f"{body[:-1].rstrip()}{comma}{inside}}}"


def _bad(code: str, message: str) -> RefusedError:
    body = orjson.dumps({"success": False, "code": code, "message": message})
    return RefusedError(400, body, message)


def probe(settings: Settings) -> Sent:
    """Return an authorized request without events."""
    keys = settings.of(TrackingSettings).write_keys
    key = next(key.get_secret_value() for key in keys if key.get_secret_value())
    authorization = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
    return Sent(_BATCH, (("authorization", authorization),), b'{"batch":[]}')


LOADER = Receiver(
    name="tracking_api",
    title="Segment libraries",
    rank=30,
    section=TrackingSettings,
    example={"write_keys": ["write-key"]},
    paths=("/v1/track", *_BATCHES),
    # Larger bodies are read too, so that the error response is the one that libraries expect.
    max_bytes=lambda _: 4 * BATCH_BYTES,
    read=read,
    probe=probe,
)
