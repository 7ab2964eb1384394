"""Signatures of Segment's webhook: what is taken, what is refused, and what stays unproved."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from loaders.webhook import LOADER
from tests.segment_records import forwarded, gz
from trail.core.model import Received, RefusedError, Sent
from trail.core.settings import Settings
from trail.ingest import quarantine

SECRET, OTHER = "whsec-of-the-tests", "whsec-that-comes-next"


def signed(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


BODY = compact(forwarded(1))
BATCH = [forwarded(1), forwarded(2), forwarded(3)]


def read(body: bytes, *headers: tuple[str, str], secrets: tuple[str, ...] = (SECRET,)) -> Received:
    settings = Settings(push={"webhook_secrets": tuple(SecretStr(secret) for secret in secrets)})
    return LOADER.read(Sent("/webhooks/segment", headers, body), settings)


def refused(body: bytes, *headers: tuple[str, str], **more: Any) -> int:
    with pytest.raises(RefusedError) as caught:
        read(body, *headers, **more)
    assert caught.value.body == b""
    return caught.value.status


def test_a_valid_signature_is_accepted() -> None:
    result = read(BODY, ("x-signature", signed(BODY)))
    assert result.records == (BODY,)
    assert result.verified == (True,)


def test_a_missing_signature_is_refused() -> None:
    assert refused(BODY) == 401


def test_a_wrong_signature_is_refused() -> None:
    assert refused(BODY, ("x-signature", signed(BODY, "another-secret"))) == 401


def test_an_upper_case_signature_is_refused() -> None:
    assert refused(BODY, ("x-signature", signed(BODY).upper())) == 401


def test_two_signature_headers_are_refused() -> None:
    right = ("x-signature", signed(BODY))
    assert refused(BODY, right, right) == 401
    assert refused(BODY, right, ("x-signature", signed(b"x"))) == 401


@pytest.mark.parametrize("length", [0, 1, 20, 39])
def test_a_truncated_signature_is_refused(length: int) -> None:
    assert refused(BODY, ("x-signature", signed(BODY)[:length])) == 401


@pytest.mark.parametrize("more", [" ", "0", "\n", ", v1=x", "00"])
def test_a_signature_with_a_suffix_is_refused(more: str) -> None:
    assert refused(BODY, ("x-signature", signed(BODY) + more)) == 401


def test_a_signature_that_is_not_hexadecimal_is_refused() -> None:
    assert refused(BODY, ("x-signature", "é" * 40)) == 401
    assert refused(BODY, ("x-signature", "g" * 40)) == 401


def test_every_single_changed_byte_is_refused() -> None:
    signature = ("x-signature", signed(BODY))
    for place in range(0, len(BODY), 7):
        changed = bytearray(BODY)
        changed[place] ^= 1
        assert refused(bytes(changed), signature) == 401


def test_a_compressed_body_is_refused_despite_a_valid_signature() -> None:
    packed = gz(BODY)
    for signature in (signed(packed), signed(BODY)):
        headers = (("x-signature", signature), ("content-encoding", "gzip"))
        assert refused(packed, *headers) == 415


def test_without_a_secret_every_request_is_refused() -> None:
    assert refused(BODY, ("x-signature", signed(BODY, "")), secrets=()) == 401
    assert refused(BODY, ("x-signature", signed(BODY, "")), secrets=("",)) == 401


def test_both_secrets_are_accepted_during_a_rotation() -> None:
    for secret in (SECRET, OTHER):
        read(BODY, ("x-signature", signed(BODY, secret)), secrets=(OTHER, SECRET))
    assert refused(BODY, ("x-signature", signed(BODY)), secrets=(OTHER,)) == 401


def test_the_signature_is_reported_wherever_it_could_be_sent_again() -> None:
    """Also that of one event: an array that begins with this event has the same one."""
    alone, first = signed(BODY), signed(compact(BATCH[0]))
    array = compact(BATCH)
    for body, signature in ((BODY, alone), (array, first), (array, signed(array))):
        result = read(body, ("x-signature", signature))
        assert (result.signature, result.other_proof) == (bytes.fromhex(signature), False)
    of_all = ("x-segment-signature", signed(array))
    result = read(array, ("x-signature", first), of_all)
    assert (result.signature, result.other_proof) == (bytes.fromhex(first), True)
    for headers in ((of_all,), (of_all, ("x-signature", signed(b"other")))):
        assert read(array, *headers).signature == b""


def test_unverified_events_are_refused_one_by_one_if_they_are_not_accepted() -> None:
    settings = Settings(push={"webhook_secrets": (SecretStr(SECRET),), "accept_unverified": False})
    body, signature = compact(BATCH), signed(compact(BATCH[0]))
    result = LOADER.read(Sent("/webhooks/segment", (("x-signature", signature),), body), settings)
    assert result.refusals == ("", quarantine.UNVERIFIED, quarantine.UNVERIFIED)
    for name in ("push.accept_unverified", "Enable Batching?"):
        assert name in quarantine.UNVERIFIED
    whole = LOADER.read(Sent("/webhooks/segment", (("x-signature", signed(body)),), body), settings)
    assert not any(whole.refusals)


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_signature_over_the_first_event_verifies_only_that_event(
    separators: tuple[str, str],
) -> None:
    body = json.dumps(BATCH, separators=separators, ensure_ascii=False).encode()
    result = read(body, ("x-signature", signed(compact(BATCH[0]))))
    assert [json.loads(record) for record in result.records] == BATCH
    assert result.verified == (True, False, False)


def test_a_signature_over_the_exact_bytes_of_the_first_event_is_accepted() -> None:
    first = json.dumps(BATCH[0], indent=1).encode()
    body = b"[" + first + b"," + compact(BATCH[1]) + b"]"
    result = read(body, ("x-signature", signed(first)))
    assert result.records == (first, compact(BATCH[1]))
    assert result.verified == (True, False)


def test_an_altered_second_event_is_not_verified() -> None:
    """What Segment signs does not cover it, so it is kept and marked."""
    altered = [BATCH[0], {**BATCH[1], "userId": "intruder"}]
    result = read(compact(altered), ("x-signature", signed(compact(BATCH[0]))))
    assert result.verified == (True, False)
    assert b"intruder" in result.records[1]


def test_an_altered_first_event_is_refused() -> None:
    altered = [{**BATCH[0], "userId": "intruder"}, *BATCH[1:]]
    assert refused(compact(altered), ("x-signature", signed(compact(BATCH[0])))) == 401


@pytest.mark.parametrize("header", ["x-signature", "x-segment-signature"])
def test_a_signature_over_the_array_verifies_all_events(header: str) -> None:
    body = compact(BATCH)
    assert read(body, (header, signed(body))).verified == (True, True, True)


def test_a_repeated_name_is_refused_despite_a_signed_compact_form() -> None:
    """The compact form knows the last value; the first is the one that would be read."""
    signature = ("x-signature", signed(compact({"userId": "maya"})))
    assert refused(b'[{"userId": "intruder", "userId":"maya"}]', signature) == 401
    assert read(b'[{"userId": "maya"}]', signature).verified == (True,)


def test_a_signed_body_that_is_not_json_is_one_record() -> None:
    for body in (b"{", b"\xff\xfe", b"nothing", b"[1,"):
        assert read(body, ("x-signature", signed(body))).records == (body,)


def test_a_broken_event_of_a_signed_array_does_not_affect_the_others() -> None:
    half = compact(forwarded(2)).replace(b"Web", b"\\ud83d")
    other = compact(forwarded(3))
    for broken in (half, b'{"a":NaN}', b'{"a":"\xff"}', half[:-1], b"7"):
        body = b"[" + b",".join([BODY, broken, other]) + b"]"
        result = read(body, ("x-signature", signed(body)))
        assert result.records == (BODY, broken, other)
        assert read(body, ("x-signature", signed(BODY))).verified == (True, False, False)


def test_an_empty_array_has_no_records() -> None:
    assert read(b"[]", ("x-signature", signed(b"[]"))).records == ()


@given(st.binary(max_size=400), st.text(max_size=60))
def test_any_body_is_read_or_refused(body: bytes, signature: str) -> None:
    with pytest.raises(RefusedError):
        read(body, ("x-signature", signature))
    result = read(body, ("x-signature", signed(body)))
    assert all(result.verified)


def test_no_error_contains_a_secret() -> None:
    with pytest.raises(RefusedError) as caught:
        read(BODY, ("x-signature", signed(BODY, OTHER)))
    assert SECRET not in f"{caught.value!r} {caught.value.reason}"
