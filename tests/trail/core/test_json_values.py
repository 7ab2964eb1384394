"""Test how rows become JSON."""

import datetime as dt

import pytest

from trail.core.json_values import json_row, json_value

CEST = dt.timezone(dt.timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (dt.datetime(2026, 3, 29, 1, 30), "2026-03-29T01:30:00Z"),
        (dt.datetime(2026, 3, 29, 1, 30, 0, 5, tzinfo=CEST), "2026-03-28T23:30:00.000005Z"),
        (dt.date(2024, 2, 29), "2024-02-29"),
        (None, None),
        (7, 7),
    ],
)
def test_json_value_writes_times_in_utc(value: object, text: object) -> None:
    assert json_value(value) == text


def test_json_row_keeps_the_order_of_columns() -> None:
    row = json_row({"b": dt.date(2026, 1, 1), "a": 1})
    assert list(row.items()) == [("b", "2026-01-01"), ("a", 1)]
