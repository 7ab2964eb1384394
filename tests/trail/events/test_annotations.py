"""Annotations: import from CSV, without duplicates, and selection by window."""

import datetime as dt

import pytest

from trail.core.errors import InputError
from trail.events import annotations
from trail.events.annotations import Annotation
from trail.storage.duckdb import Store
from trail.storage.filters import Window

TEXT = """Time,Until,Label
2026-11-24T14:00+01:00,,Deploy 42
2026-12-20,2027-01-02T00:00Z,"Freeze, all of it"
"""
DEPLOY = Annotation(dt.datetime(2026, 11, 24, 13), None, "Deploy 42")
FREEZE = Annotation(dt.datetime(2026, 12, 20), dt.datetime(2027, 1, 2), "Freeze, all of it")


def test_csv_times_are_converted_to_utc() -> None:
    assert annotations.parse(TEXT) == [DEPLOY, FREEZE]
    assert annotations.parse("label,time\nx,2026-01-01") == [
        Annotation(dt.datetime(2026, 1, 1), None, "x")
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line"),
        ("when,what\n1,2", "first line"),
        ("time,label\nsoon,x", "Line 2"),
        ("time,label\n2026-01-01,", "Line 2: the label is empty"),
        ("time,until,label\n2026-01-02,2026-01-01,x", "`until` is before `time`"),
    ],
)
def test_errors_name_the_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        annotations.parse(text)


def test_importing_twice_changes_nothing(store: Store) -> None:
    assert annotations.add(store, annotations.parse(TEXT), "maya") == 2
    assert annotations.add(store, annotations.parse(TEXT), "maya") == 0


def test_window_returns_overlapping_annotations(store: Store) -> None:
    annotations.add(store, [DEPLOY, FREEZE], "maya")
    december = Window(dt.datetime(2026, 12, 31), dt.datetime(2027, 1, 1))
    assert annotations.in_window(store, december) == [FREEZE]
    november = Window(dt.datetime(2026, 11, 1), dt.datetime(2026, 12, 1))
    assert annotations.in_window(store, november) == [DEPLOY]
    annotations.clear(store)
    assert annotations.in_window(store, november) == []
