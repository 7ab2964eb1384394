"""Every label of a time has the date, and the year unless it is the current one."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core import time_labels

OSLO, UTC = ZoneInfo("Europe/Oslo"), ZoneInfo("UTC")
NOW = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("2026-01-05 02:00", "2026-01-05 02:40", "Mon 5 Jan 02:00–02:40"),
        ("2026-01-04 23:00", "2026-01-05 00:00", "Sun 4 Jan 23:00–24:00"),
        ("2026-01-04 23:00", "2026-01-05 00:10", "Sun 4 Jan 23:00 – Mon 5 Jan 00:10"),
        ("2025-12-31 23:00", "2026-01-01 00:00", "Wed 31 Dec 2025 23:00–24:00"),
        ("2025-12-31 23:00", "2026-01-01 01:00", "Wed 31 Dec 2025 23:00 – Thu 1 Jan 2026 01:00"),
        ("2025-12-30 23:00", "2025-12-31 01:00", "Tue 30 Dec 2025 23:00 – Wed 31 Dec 2025 01:00"),
    ],
)
def test_a_span_names_a_shared_day_once_and_both_years_of_two(
    start: str, end: str, text: str
) -> None:
    moments = (dt.datetime.fromisoformat(at) for at in (start, end))
    assert time_labels.span(*moments, UTC, NOW) == text


def test_days_of_an_axis_name_a_month_and_a_year_where_they_begin() -> None:
    days = [dt.date(2025, 12, 15) + dt.timedelta(days=9 * n) for n in range(4)]
    assert time_labels.axis_days(days, NOW, UTC) == [
        *("Mon 15 Dec 2025", "Wed 24", "Fri 2 Jan 2026", "Sun 11"),
    ]
    days = [dt.date(2026, 1, 25), dt.date(2026, 2, 1)]
    assert time_labels.axis_days(days, NOW, UTC) == ["Sun 25 Jan", "Sun 1 Feb"]


_NEAR_NEW_YEAR = st.datetimes(dt.datetime(2025, 12, 1), dt.datetime(2026, 1, 31))


@given(start=_NEAR_NEW_YEAR, end=_NEAR_NEW_YEAR, zone=st.sampled_from((OSLO, UTC)))
def test_no_label_leaves_open_which_day_is_meant(
    start: dt.datetime, end: dt.datetime, zone: ZoneInfo
) -> None:
    start, end = sorted((start, end))
    first, last = (at.replace(tzinfo=dt.UTC).astimezone(zone) for at in (start, end))
    for label, local in (
        (time_labels.short(start, zone, NOW), [first]),
        (time_labels.short(start, zone, NOW, seconds=True), [first]),
        (time_labels.day(first.date(), NOW, zone), [first]),
        (time_labels.span(start, end, zone, NOW), [first, last]),
        (time_labels.window(start, end, zone, NOW), [first, last]),
    ):
        assert f"{first.day} {first:%b}" in label
        for at in local:
            is_named = f"{at.day} {at:%b} {at.year}" in label
            ends_the_day = label.endswith("24:00")
            assert is_named or at.year == 2026 or (ends_the_day and at == last), label
        assert label.count("UTC") <= 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1 minute"),
        (60, "1 minute"),
        (61, "2 minutes"),
        (623, "11 minutes"),
        (5_400, "90 minutes"),
        (12_092, "4 hours"),
        (172_800, "48 hours"),
        (172_801, "3 days"),
    ],
)
def test_a_duration_is_not_longer_than_it_is_said_to_be_at_most(seconds: int, text: str) -> None:
    assert time_labels.at_most_text(seconds) == text
