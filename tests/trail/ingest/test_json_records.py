"""What is inside a piece of JSON text: records, and refusals in words a person can act on."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trail.plain_records import (
    api_event,
    api_page,
    batch_call,
    forwarded,
    line,
    saved_request,
)
from trail.core.limits import Limits
from trail.ingest.json_records import Record, Refusal, depth, extract_records

LIMITS = Limits()
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def raws(text: bytes) -> list[object]:
    result = list(extract_records(text, LIMITS))
    assert all(isinstance(item, Record) for item in result), result
    return [json.loads(item.raw) for item in result]


def refusal(text: bytes) -> Refusal:
    (result,) = extract_records(text, LIMITS)
    assert isinstance(result, Refusal)
    return result


ONE, TWO = forwarded(1), api_event(2)


@pytest.mark.parametrize(
    ("value", "inside"),
    [
        (ONE, [ONE]),
        ([ONE, TWO], [ONE, TWO]),
        (api_page([TWO]), [TWO]),
        (batch_call([ONE, ONE]), [ONE, ONE]),
        (saved_request(ONE), [ONE]),
        (saved_request([ONE, TWO]), [ONE, TWO]),
        ([api_page([TWO]), saved_request(batch_call([ONE]))], [TWO, ONE]),
    ],
)
def test_records_are_extracted_from_every_wrapper(value: object, inside: list[object]) -> None:
    assert raws(line(value)) == inside


def test_a_record_keeps_its_exact_text() -> None:
    text = b' {"id" : "a",\t"id":"b", "n": 1.50} '
    (record,) = extract_records(text, LIMITS)
    assert isinstance(record, Record)
    assert record.raw == text.decode().strip()


def test_nested_wrappers_are_limited() -> None:
    value: object = ONE
    for _ in range(7):
        value = [value]
    assert refusal(line(value)).reason == "Wrapped too many times"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"id":"m1","timestamp":', "Not JSON: unexpected end of data, column 24"),
        (b"\xef\xbb\xbf{}", "Not JSON: starts with a byte order mark"),
        (b'{"a":"\xff"}', "Not UTF-8 at byte 7"),
        (b'{"a":"\\ud800"}', "Not JSON: "),
        (b"{} {}", "Not JSON: "),
        (b"\0" + line(ONE), "Not JSON: "),
        (b'{"a":NaN}', "Not JSON: "),
        (b'{"a":1,}', "Not JSON: trailing comma"),
        (b"[]", "Contains no records"),
        (b'{"data":{"events":[]}}', "Contains no records"),
        (b'"text"', "Not an audit event: not a JSON object"),
        (b"[" * 65 + b"]" * 65, "Nested deeper than 64 levels"),
        (b'{"a":"' + b"x" * 1_048_576 + b'"}', "Longer than 1,048,576 bytes"),
    ],
)
def test_a_refusal_has_a_reason_and_the_bytes(text: bytes, reason: str) -> None:
    result = refusal(text)
    assert result.reason.startswith(reason)
    assert result.raw == text


def test_an_invalid_item_does_not_affect_the_others() -> None:
    result = list(extract_records(line([ONE, 7, TWO]), LIMITS))
    assert [type(item) for item in result] == [Record, Refusal, Record]
    assert result[1].raw == b"7"


def test_content_ids_depend_on_content_and_not_on_key_order() -> None:
    event = api_event(3, id=None)
    turned = dict(reversed(event.items()))
    (one,), (other,), (changed,) = (
        list(extract_records(line(item), LIMITS))
        for item in (event, turned, {**event, "resourceName": "Another"})
    )
    assert one.content_id == other.content_id != changed.content_id
    assert one.content_id.startswith("sha256-")
    assert len(one.content_id) == 71


@pytest.mark.parametrize("blank", [{}, {"id": None}, {"id": ""}, {"id": "  "}, {"messageId": ""}])
def test_a_blank_id_is_replaced_by_a_content_id(blank: dict[str, object]) -> None:
    (record,) = extract_records(line({**api_event(id=None), **blank}), LIMITS)
    assert isinstance(record, Record)
    assert record.content_id


@given(st.binary(max_size=200) | json_values.map(line))
def test_any_bytes_give_records_or_refusals(text: bytes) -> None:
    assert list(extract_records(text, LIMITS))


@given(json_values)
def test_depth_is_the_nesting_depth_of_the_value(value: object) -> None:
    def deep(value: object) -> int:
        inner = value.values() if isinstance(value, dict) else value
        if not isinstance(value, dict | list):
            return 0
        return 1 + max((deep(item) for item in inner), default=0)

    text = line(value)
    marks = text.count(b"{") + text.count(b"[")
    # Below eight brackets an upper bound is enough, since no limit is that low.
    assert depth(text) == (deep(value) if marks >= 8 else marks)
