"""HTTP data: webhook and tracking requests, API responses, and their headers."""

import base64
import contextlib
import hmac

import orjson

from fuzz import Target
from loaders import _segment_http, segment_api, tracking_api, webhook
from trail.core.model import RefusedError, Response, Sent
from trail.core.settings import Settings
from trail.ingest import json_records
from trail.notifications import retry_policy

_SECRET, _KEY = "fuzz-secret", "fuzz-key"
_SETTINGS = Settings(push={"webhook_secrets": (_SECRET,), "write_keys": (_KEY,)})  # type: ignore[arg-type]
_BASIC = "Basic " + base64.b64encode(f"{_KEY}:".encode()).decode()


def hook(data: bytes) -> None:
    """Read a webhook with a valid signature: of the whole body, or of the first event."""
    for header in ("x-signature", "x-segment-signature"):
        for signed in (data, data[1:-1]):
            given = hmac.digest(_SECRET.encode(), signed, "sha1").hex()
            with contextlib.suppress(RefusedError):
                got = webhook.read(Sent("/webhooks/segment", ((header, given),), data), _SETTINGS)
                assert len(got.records) == len(got.verified)
                for text in got.records:
                    list(json_records.extract_records(text, _SETTINGS.limits))


def tracking(data: bytes) -> None:
    """Read a call and a batch; records that are JSON must contain no write key."""
    for path in ("/v1/track", "/v1/batch"):
        for headers in ((), (("authorization", _BASIC),)):
            with contextlib.suppress(RefusedError):
                got = tracking_api.read(Sent(path, headers, data), _SETTINGS)
                for text in got.records:
                    with contextlib.suppress(orjson.JSONDecodeError):  # goes into quarantine
                        message = orjson.loads(text)
                        assert not isinstance(message, dict) or "writeKey" not in message
                    list(json_records.extract_records(text, _SETTINGS.limits))


def headers(data: bytes) -> None:
    """Read every header that authenticates; none of these values may be accepted."""
    for name, value in _pairs(data):
        for path, read in (("/webhooks/segment", webhook.read), ("/v1/track", tracking_api.read)):
            try:
                read(Sent(path, ((name, value),), b'{"event":"Audit"}'), _SETTINGS)
            except RefusedError:
                continue
            raise AssertionError(f"{name}: {value!r} was accepted")


def waits(data: bytes) -> None:
    """Read the headers that set the retry delay."""
    message = data.decode("latin-1")
    first, _, second = message.partition("\n")
    result = retry_policy.retry_after_s(Response(503, {"retry-after": first, "date": second}))
    assert result is None or 1 <= result <= 86_400


def page(data: bytes) -> None:
    """Read a response of the Public API as its client does."""
    _segment_http._error_text(data)
    result = _segment_http._ms_before_next_s(data)
    assert result is None or result > 0
    for name in ("events", "users"):
        with contextlib.suppress(ValueError, RecursionError):  # the client retries these
            for item in segment_api._page(data, name).items:
                segment_api._person(item)
    with contextlib.suppress(ValueError, RecursionError):
        segment_api._workspace(data)


def _pairs(data: bytes) -> list[tuple[str, str]]:
    value = data.decode("latin-1")
    return [(name, value) for name in ("x-signature", "x-segment-signature", "authorization")]


_CALL = b'{"type":"track","event":"Audit","messageId":"m","writeKey":"fuzz-key","properties":{}}'
_ERROR = b'{"errors":[{"type":"x","message":"no","field":"f","data":{"msBeforeNext":5}}]}'
_PAGE = b'{"data":{"events":[' + _CALL + b'],"pagination":{"next":"MQ==","totalEntries":2}}}'
_USERS = b'{"data":{"users":[{"id":"u","name":"n","email":"e"}],"pagination":null}}'
TARGETS = (
    Target("webhook", hook, (_CALL, b"[" + _CALL + b"," + _CALL + b"]")),
    Target("tracking", tracking, (_CALL, b'{"writeKey":"fuzz-key","batch":[' + _CALL + b"]}")),
    Target("headers", headers, (b"0" * 40, b"Basic eDp5", b"basic  ")),
    Target(
        "waits",
        waits,
        (b"120\n", b"Tue, 24 Nov 2026 10:00:00 GMT\nTue, 24 Nov 2026 09:00 -0"),
    ),
    Target("page", page, (_PAGE, _ERROR, _USERS, b'{"data":{"workspace":{"id":"w"}}}')),
)
