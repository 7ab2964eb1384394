"""Comparison of two events: paths, types, large and hostile records."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.events import compare
from trail.events.compare import Comparison, Field

ROW = {
    "action": "Warehouses Modified",
    "actor_id": "users/ana",
    "actor_name": "Ana",
    "actor_email": None,
}


def forwarded(details: Any, **more: Any) -> dict[str, Any]:
    properties = {"type": "Warehouses Modified", "details": details, **more}
    return {**ROW, "raw": json.dumps({"messageId": "m", "properties": properties})}


def named(fields: list[Field]) -> dict[str, tuple[str | None, str | None]]:
    return {field.name: (field.before, field.after) for field in fields}


def test_changed_fields_by_path() -> None:
    before = forwarded(
        {
            "subject": "users/ana",
            "user": "segment_loader",
            "role": None,
            "steps": [{"at": 1}, {"at": 2}],
            "a.b": "x",
            "scopes": ["read"],
            "size": 12345678901234567890,
        }
    )
    after = forwarded(
        {
            "subject": "users/bo",
            "user": "segment_rw",
            "steps": [{"at": 1}, {"at": "2"}],
            "a": {"b": "x"},
            "scopes": ["read", "write"],
            "size": 12345678901234567891,
        }
    )
    result = compare.compare(before, after | {"actor_id": "users/bo"})
    assert named(result.changed) == {
        "Actor": ("users/ana", "users/bo"),
        "user": ("segment_loader", "segment_rw"),
        "role": ("null", None),
        "steps[1].at": ("2", '"2"'),
        '["a.b"]': ("x", None),
        "a.b": (None, "x"),
        "scopes": ('["read"]', '["read", "write"]'),
        "size": ("12345678901234567890", "12345678901234567891"),
    }
    assert [field.name for field in result.unchanged] == ["Action", "steps[0].at"]
    assert (result.changed_total, result.total, result.note) == (8, 10, "")


def test_the_envelope_is_not_compared() -> None:
    before, after = (
        {**ROW, "raw": json.dumps({"id": n, "timestamp": n, "type": "X", "resourceId": "w1"})}
        for n in ("1", "2")
    )
    result = compare.compare(before, after)
    assert (result.changed, result.total) == ([], 3)


def test_a_difference_in_a_long_value_stays_visible() -> None:
    before, after = (forwarded({"query": "x" * 5_000 + end + "y" * 5_000}) for end in "AB")
    (field,) = compare.compare(before, after).changed
    assert field.before
    assert field.after
    assert "A" in field.before
    assert "B" in field.after
    assert max(len(field.before), len(field.after)) < 400


@pytest.mark.parametrize(
    ("raw", "note"),
    [
        ("", "is not stored"),
        ("nope", "is not valid JSON"),
        ("[1]", "is not a JSON object"),
        ('"' + "x" * 300_000 + '"', "is too large (300,002 characters)"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, "is nested too deeply"),
    ],
)
def test_records_that_cannot_be_compared(raw: str, note: str) -> None:
    result = compare.compare({**ROW, "raw": raw}, forwarded({"a": 1}))
    assert result.note == (
        f"Only action and actor are compared: the record of the previous event {note}."
    )
    assert result.total == 2


def test_of_two_formats_only_shared_fields_are_compared() -> None:
    api = {"resourceId": "w1", "resourceName": "Old", "resourceType": "warehouse", "id": "e1"}
    details = {"resource_id": "w1", "target": "New", "metadata_id": "m"}
    result = compare.compare({**ROW, "raw": json.dumps(api)}, forwarded(details))
    assert named(result.changed) == {"target": ("Old", "New")}
    assert [field.name for field in result.unchanged] == ["Action", "Actor", "resource_id"]
    assert result.note.startswith("The records have two formats")


def test_half_a_surrogate_pair_can_be_encoded() -> None:
    raw = '{"properties": {"details": {"\\ud800": "\\udfff", "b": ["\\ud800"]}}}'
    result = compare.compare({**ROW, "raw": raw}, forwarded({}))
    assert named(result.changed)["\\ud800"] == ("\\udfff", None)
    str(result).encode()


def test_many_fields_are_cut_but_counted() -> None:
    before, after = (forwarded({f"k{n}": n + add for n in range(900)}) for add in (0, 1))
    result = compare.compare(before, after)
    assert len(result.changed) + len(result.unchanged) == compare.MAX_FIELDS
    assert (result.changed_total, result.total) == (900, 902)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=15,
)


@given(_JSON, _JSON)
def test_equal_records_have_no_changes_and_different_ones_are_symmetric(
    first: Any, second: Any
) -> None:
    one, two = forwarded(first), forwarded(second)
    assert compare.compare(one, one).changed_total == 0
    there, back = compare.compare(one, two), compare.compare(two, one)
    assert (there.changed_total, there.total) == (back.changed_total, back.total)
    assert _pairs(there) == {(after, before, name) for before, after, name in _pairs(back)}


def _pairs(result: Comparison) -> set[tuple[str | None, str | None, str]]:
    return {(field.before, field.after, field.name) for field in result.changed}
