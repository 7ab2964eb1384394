"""Segment's HTTP Tracking API as we speak it: keys, limits, answers, and what stays as sent."""

import base64
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from loaders.tracking_api import BATCH_BYTES, BATCH_EVENTS, EVENT_BYTES, LOADER
from tests.segment_records import forwarded, gz
from trail.core.model import Received, RefusedError, Sent
from trail.core.settings import Settings

KEY = "write-key-of-the-tests"


def basic(key: str) -> tuple[str, str]:
    return "authorization", "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def read(
    body: Any, *headers: tuple[str, str], path: str = "/v1/track", keys: tuple[str, ...] = (KEY,)
) -> Received:
    settings = Settings(push={"write_keys": tuple(SecretStr(key) for key in keys)})
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return LOADER.read(Sent(path, headers or (basic(KEY),), data), settings)


def refused(*given: Any, **more: Any) -> tuple[int, str]:
    with pytest.raises(RefusedError) as caught:
        read(*given, **more)
    message = orjson.loads(caught.value.body)
    assert message["success"] is False
    assert message["message"]
    return caught.value.status, message["code"]


def test_a_call_is_accepted_unchanged() -> None:
    call = forwarded(1)
    result = read(call)
    assert result.records == (json.dumps(call).encode(),)
    assert result.verified == (True,)
    assert result.answer == b'{"success":true}'


def test_import_is_handled_like_batch() -> None:
    """The Java and Ruby libraries send `{"batch": [...]}` to it."""
    body = json.dumps({"batch": [forwarded(n) for n in range(3)]}).encode()
    imported, batch = (read(body, path=path) for path in ("/v1/import", "/v1/batch"))
    assert imported == batch
    assert len(batch.records) == 3
    assert refused(b"[1]", path="/v1/import") == (400, "invalid_request")
    large = json.dumps({"batch": [forwarded(n, large="x" * 20_000) for n in range(4)]}).encode()
    assert len(read(large, path="/v1/import").records) == 4
    assert "/v1/import" in LOADER.paths


def test_a_call_without_times_gets_its_arrival_time() -> None:
    record = orjson.loads(read({"userId": "u", "event": "Deploy"}).records[0])
    assert record["type"] == "track"
    assert record["timestamp"] == record["receivedAt"]
    assert record["timestamp"].endswith("Z")


def test_only_the_write_key_is_removed() -> None:
    """Segment's browser library writes it into each call; what is kept is shown and exported."""
    call = b'{"userId":"u", "writeKey":"%b" ,"n":1.0,"timestamp":"x","w":{"writeKey":"mine"}}'
    call %= KEY.encode()
    batch = b'{"batch":[%b],"writeKey":"%b"}' % (call, KEY.encode())
    for body, path in ((call, "/v1/track"), (batch, "/v1/batch")):
        (kept,) = read(body, path=path).records
        assert kept.startswith(b'{"userId":"u","n":1.0,"timestamp":"x","w":{"writeKey":"mine"}')
        assert KEY.encode() not in kept


def test_an_ambiguous_body_is_refused() -> None:
    body = b'{"batch":5,"batch":[]}'
    assert refused(body, path="/v1/batch") == (400, "invalid_request")


@pytest.mark.parametrize(
    "broken",
    [
        b'{"event":"Audit","n":"\\ud83d"}',
        b'{"event":"Audit","n":NaN}',
        b'{"event":"Audit","n":"\xff"}',
        b'{"event":"Audit","n":"x"',
        b"[" * 1010 + b"]" * 1010,
    ],
)
def test_a_broken_call_of_a_batch_does_not_affect_the_others(broken: bytes) -> None:
    call = b'{"event":"Audit","timestamp":"2026-01-01T00:00:00Z","type":"track","receivedAt":"x"}'
    body = b'{"batch":[' + b",".join([call, broken, call]) + b'],"writeKey":"%b"}' % KEY.encode()
    first, kept, last = read(body, path="/v1/batch").records
    assert (first, last) == (call, call)
    assert kept.startswith(broken.rstrip(b"}"))


def test_the_write_key_of_a_broken_call_is_removed() -> None:
    body = b'{"batch":[{"writeKey":"%b","n":NaN, "x":"\xff"}],"writeKey":"%b"}'
    (kept,) = read(body % (KEY.encode(), KEY.encode()), path="/v1/batch").records
    assert KEY.encode() not in kept


def test_a_write_key_that_is_not_base64_is_refused() -> None:
    assert refused({}, ("authorization", "Basic \xea\xea")) == (401, "unauthorized")


def test_the_fields_of_a_call_are_kept_byte_for_byte() -> None:
    body = b'{"userId":"u", "event":"Deploy","n":1.0,"big":12345678901234567890,"timestamp":"x"}'
    assert read(body).records[0].startswith(body[:-1])


def test_a_write_key_in_the_body_authenticates() -> None:
    read({"userId": "u", "event": "Deploy", "writeKey": KEY}, ("x", "y"))


@pytest.mark.parametrize(
    "header",
    [
        basic("another"),
        basic(""),
        ("authorization", "Basic !!!"),
        ("authorization", f"Bearer {KEY}"),
        ("authorization", "Basic /w=="),
        ("x-other", "none"),
    ],
)
def test_an_unknown_key_is_refused(header: tuple[str, str]) -> None:
    assert refused({"userId": "u"}, header) == (401, "unauthorized")


def test_a_wrong_header_is_refused_despite_a_correct_key_in_the_body() -> None:
    assert refused({"userId": "u", "writeKey": KEY}, basic("another")) == (401, "unauthorized")


def test_without_configured_keys_every_call_is_refused() -> None:
    assert refused({"userId": "u"}, basic(""), keys=()) == (401, "unauthorized")
    assert refused({"userId": "u"}, basic(""), keys=("",)) == (401, "unauthorized")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a":NaN}'])
def test_a_body_that_is_not_json_is_400(body: bytes) -> None:
    assert refused(body) == (400, "invalid_json")


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null"])
def test_a_body_that_is_not_an_object_is_400(body: bytes) -> None:
    assert refused(body) == (400, "invalid_request")


def padded(size: int) -> dict[str, Any]:
    call = {"userId": "u", "event": "Deploy", "pad": ""}
    call["pad"] = "x" * (size - len(json.dumps(call)))
    assert len(json.dumps(call)) == size
    return call


def test_an_event_of_at_most_32_kb_is_accepted() -> None:
    assert len(read(padded(EVENT_BYTES)).records) == 1
    assert refused(padded(EVENT_BYTES + 1)) == (400, "payload_too_large")


def test_the_event_size_limit_applies_within_a_batch() -> None:
    path = "/v1/batch"
    assert len(read({"batch": [padded(EVENT_BYTES)]}, path=path).records) == 1
    assert refused({"batch": [{}, padded(EVENT_BYTES + 1)]}, path=path)[0] == 400


def test_a_batch_of_at_most_2500_events_is_accepted() -> None:
    path = "/v1/batch"
    calls = [{"userId": "u", "event": "Deploy"}] * BATCH_EVENTS
    assert len(read({"batch": calls}, path=path).records) == BATCH_EVENTS
    assert refused({"batch": [*calls, {}]}, path=path) == (400, "payload_too_large")


def test_a_batch_of_at_most_500_kb_is_accepted() -> None:
    path = "/v1/batch"
    body = json.dumps({"batch": [padded(25_000)] * 20}).encode()
    body += b" " * (BATCH_BYTES - len(body))
    assert len(read(body, path=path).records) == 20
    assert refused(body + b" ", path=path) == (400, "payload_too_large")


@pytest.mark.parametrize("body", [{}, {"batch": None}, {"batch": {}}, {"batch": "x"}])
def test_a_batch_without_a_batch_is_400(body: Any) -> None:
    assert refused(body, path="/v1/batch") == (400, "invalid_request")


def test_an_empty_batch_has_no_records() -> None:
    assert read({"batch": []}, path="/v1/batch").records == ()


def test_a_compressed_batch_is_decompressed_up_to_the_limit() -> None:
    path, header = "/v1/batch", ("content-encoding", "gzip")
    body = gz(json.dumps({"batch": [forwarded(1)]}).encode())
    assert len(read(body, basic(KEY), header, path=path).records) == 1
    bomb = gz(b" " * 50_000_000)
    assert refused(bomb, basic(KEY), header, path=path) == (400, "payload_too_large")
    assert refused(b"plain", basic(KEY), header, path=path) == (400, "invalid_request")


def test_no_error_contains_a_write_key() -> None:
    with pytest.raises(RefusedError) as caught:
        read({"userId": "u"}, basic("their-own-key"))
    assert KEY not in str(caught.value.body) + repr(caught.value)
    assert "their-own-key" not in str(caught.value.body) + repr(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(max_size=8), JSON, max_size=5), max_size=4))
def test_a_record_contains_everything_that_was_sent(calls: list[dict[str, Any]]) -> None:
    result = read({"batch": calls, "writeKey": KEY}, path="/v1/batch")
    for call, record in zip(calls, result.records, strict=True):
        kept = orjson.loads(record)
        assert {name: kept[name] for name in call if call[name]} == {
            name: value for name, value in call.items() if value
        }
