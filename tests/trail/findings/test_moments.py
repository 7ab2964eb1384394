"""Times in sentences: each reader sees them in their own zone."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.findings import moments

NOW = dt.datetime(2026, 11, 28, 15, tzinfo=dt.UTC)  # a Saturday
UTC, OSLO, TOKYO = ZoneInfo("UTC"), ZoneInfo("Europe/Oslo"), ZoneInfo("Asia/Tokyo")
LATE = "2026-11-24T16:20:00"


@pytest.mark.parametrize(
    ("mark", "zone", "text"),
    [
        (moments.on(LATE, LATE), OSLO, "on Tuesday"),
        (moments.on(LATE, LATE), TOKYO, "on Wednesday"),
        (moments.on("2026-11-24T10:00:00", LATE), TOKYO, "from Tuesday to Wednesday"),
        (moments.on("2026-11-20T10:00:00", "2026-11-20T10:00:00"), UTC, "on Fri 20 Nov"),
        (moments.on("2025-11-20T10:00:00", "2025-11-20T10:00:00"), UTC, "on Thu 20 Nov 2025"),
        (moments.at(LATE), OSLO, "on Tuesday at 17:20"),
        (moments.at(LATE, "2026-11-24T16:44:10.5"), UTC, "on Tuesday from 16:20 to 16:44"),
        (moments.at("2026-11-24T14:50:00", LATE), TOKYO, "from Tuesday 23:50 to Wednesday 01:20"),
        (moments.on("2026-11-28T20:00:00", "2026-11-28T20:00:00"), TOKYO, "on Sunday"),
    ],
)
def test_times_are_those_of_the_reader(mark: str, zone: ZoneInfo, text: str) -> None:
    shown = moments.in_zone(f"deleted {mark}; x", zone, NOW, weekdays=True)
    assert shown == f"deleted {text}; x"


def test_what_leaves_a_page_has_dates() -> None:
    later = "2026-11-25T02:00:00"
    marks = moments.on(LATE, LATE), moments.at(LATE, later), moments.since(LATE)
    assert [moments.in_zone(mark, UTC, NOW) for mark in marks] == [
        "on Tue 24 Nov",
        "from Tue 24 Nov 16:20 to Wed 25 Nov 02:00",
        "since Tue 24 Nov 16:20",
    ]


def test_what_is_kept_has_the_year() -> None:
    assert moments.in_zone(moments.on(LATE, LATE), OSLO, None) == "on Tue 24 Nov 2026"


@given(st.text(alphabet="⟨⟩onat /2026-11T:.", max_size=60))
def test_text_of_an_event_never_breaks_a_sentence(text: str) -> None:
    assert isinstance(moments.in_zone(text, OSLO, NOW), str)
    assert (
        moments.in_zone("⟨on 2026-99-99T/2026-01-01⟩", OSLO, NOW) == "⟨on 2026-99-99T/2026-01-01⟩"
    )
