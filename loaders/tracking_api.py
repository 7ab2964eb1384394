"""Segment's HTTP Tracking API: `/v1/track`, `/v1/batch` and its alias `/v1/import`.

Limits and responses follow Segment's documentation of the HTTP API: 32 KB per event, 500 KB and
2,500 events per batch, 400 with `code` and `message` for oversized or invalid bodies. Unlike
Segment, an unknown write key gets 401, so that no client assumes its events were stored.
"""

import base64
import datetime as dt
import hmac
import json
import re
import zlib
from typing import Any, ClassVar

import orjson
from pydantic import Field, SecretStr

from trail.core.model import Received, Receiver, RefusedError, Sent
from trail.core.section import EDITABLE, Section
from trail.core.settings import Settings
from trail.ingest import json_records

EVENT_BYTES, BATCH_BYTES, BATCH_EVENTS = 32 * 1024, 500 * 1024, 2_500
_BATCH = "/v1/batch"
_BATCHES = (_BATCH, "/v1/import")  # the Java and Ruby libraries send batches to the second

# The write key in a call that is not JSON.
_KEY = re.compile(rb'"writeKey"\s*:\s*"[^"]*"\s*,?')


class TrackingSettings(Section):
    """The HTTP Tracking API."""

    section: ClassVar[str] = "push"
    write_keys: tuple[SecretStr, ...] = Field(
        (),
        description="Write keys that `/v1/track`, `/v1/batch` and `/v1/import` accept.",
        title="Write keys",
        json_schema_extra=EDITABLE,
    )


def read(sent: Sent, settings: Settings) -> Received:
    """Return the calls of a request, with the time of arrival where a call has none.

    Raises `RefusedError`: 400 for an oversized or invalid body, 401 for an unknown write key.
    """
    calls, document = _parsed(sent, _unpacked(sent))
    if not isinstance(document, dict):
        raise _bad("invalid_request", "The body is not a JSON object.")
    _check_key(sent, document, settings)
    if calls is None:
        raise _bad("invalid_request", "The body has no batch array.")
    if len(calls) > BATCH_EVENTS:
        raise _bad("payload_too_large", "The batch has more than 2,500 events.")
    calls = [_without_key(call) for call in calls]
    if any(len(call) > EVENT_BYTES for call in calls):
        raise _bad("payload_too_large", "An event is larger than 32 KB.")
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    records = tuple(_completed(call, now) for call in calls)
    return Received(records, (True,) * len(records), b'{"success":true}', named=True)


def _parsed(sent: Sent, body: bytes) -> tuple[list[bytes] | None, object]:
    """Return the exact bytes of each call, None without a batch; and what encloses them.

    A broken call of a batch is among them, since it must not cost the others.
    """
    calls: list[bytes] | None = [body]
    enclosing = body
    if _is_batch(sent):
        try:
            calls, enclosing = json_records.split(body, "batch")
        except ValueError:
            calls = None
    try:
        return calls, json.loads(enclosing, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _bad("invalid_json", "The body is not JSON.") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _is_batch(sent: Sent) -> bool:
    return sent.path.rstrip("/").endswith(_BATCHES)


def _unpacked(sent: Sent) -> bytes:
    longest = BATCH_BYTES if _is_batch(sent) else EVENT_BYTES
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
    key = given.encode(errors="surrogatepass") if isinstance(given, str) else b""
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


def _without_key(call: bytes) -> bytes:
    """Return a call without the write key, since stored records are visible."""
    try:
        document = json.loads(call)
        if not (isinstance(document, dict) and "writeKey" in document):
            return call
        return json_records.without(call.decode(), "writeKey").encode()
    except (ValueError, RecursionError):
        return _KEY.sub(b"", call)


def _completed(call: bytes, now: str) -> bytes:
    """Return a call with the fields that Segment's server adds; the rest stays as sent."""
    try:
        document = json.loads(call)
    except (ValueError, RecursionError):
        return call
    if not isinstance(document, dict):
        return call
    added = {
        name: value
        for name, value in (("type", "track"), ("timestamp", now), ("receivedAt", now))
        if not document.get(name)
        and not (name == "timestamp" and document.get("originalTimestamp"))
    }
    inside = orjson.dumps(added)[1:-1]
    comma = b"," if document and inside else b""
    return call.strip()[:-1].rstrip() + comma + inside + b"}"


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
    purposes={
        "/v1/track": "Receive one event in the format of Segment's libraries.",
        _BATCH: "Receive several events in the format of Segment's libraries.",
        "/v1/import": "Same as `/v1/batch`, for libraries that send to this address.",
    },
)
