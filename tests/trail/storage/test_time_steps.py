"""Ranges move by days, months or their length, stay before now, and widen around their middle."""

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trail.core.errors import FilterError
from trail.storage import time_expressions
from trail.storage.filters import Filter
from trail.storage.time_expressions import MONDAY
from trail.storage.time_steps import step, zoom_out
from trail.storage.time_text import printed

OSLO = ZoneInfo("Europe/Oslo")
NOW = dt.datetime(2026, 11, 28, 8, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("range_", "before"),
    [
        ("7d ", "2026-11-15 2026-11-22"),
        ("today ", "yesterday "),
        ("this_week_sun ", "last_week_sun "),
        ("this_month ", "last_month "),
        ("last_month ", "2026-09-01 2026-10-01"),
        # The day on which the clocks went back is one day.
        ("2026-10-26 2026-10-27", "2026-10-25 2026-10-26"),
        ("2026-11-23 now", "2026-11-17 2026-11-23"),
        ("24h ", "2026-11-26T08:00:00Z 2026-11-27T08:00:00Z"),
        ("2026-11-03T14:00 2026-11-03T16:00", "2026-11-03T11:00:00Z 2026-11-03T13:00:00Z"),
    ],
)
def test_a_step_back_is_the_range_before(range_: str, before: str) -> None:
    start, end = range_.split(" ")
    assert step(start, end, OSLO, NOW, -1) == tuple(before.split(" "))


def test_nothing_is_after_now_or_before_an_open_start() -> None:
    for name in ("7d", "24h", "today", "this_month"):
        assert step(name, "", OSLO, NOW, 1) is None
    assert step("", "2026-11-03", OSLO, NOW, -1) is None
    assert zoom_out("", "2026-11-03", OSLO, NOW) is None


@pytest.mark.parametrize(
    ("range_", "wider"),
    [
        ("7d ", "14d "),
        ("24h ", "48h "),
        ("today ", "2d "),
        ("2026-11-03 2026-11-11", "2026-10-30 2026-11-15"),
        ("2026-11-26 2026-11-28", "4d "),
        ("2026-11-03T14:00Z 2026-11-03T16:00Z", "2026-11-03T13:00:00Z 2026-11-03T17:00:00Z"),
        ("2026-11-28T06:00Z 2026-11-28T07:00Z", "2026-11-28T05:30:00Z 2026-11-28T07:30:00Z"),
        ("2026-11-28T03:00Z 2026-11-28T07:00Z", "2026-11-28T00:00:00Z 2026-11-28T08:00:00Z"),
    ],
)
def test_zooming_out_doubles_around_the_middle_until_now(range_: str, wider: str) -> None:
    start, end = range_.split(" ")
    assert zoom_out(start, end, OSLO, NOW) == tuple(wider.split(" "))


_NAMES = ("7d", "24h", "90m", "today", "yesterday", "this_week", "last_week_sat", "last_month")


@given(
    range_=st.sampled_from([(name, "") for name in _NAMES])
    | st.tuples(
        st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2026, 6, 1)).map(lambda at: f"{at}Z"),
        st.datetimes(dt.datetime(2026, 6, 2), dt.datetime(2026, 11, 1)).map(lambda at: f"{at}Z"),
    )
    | st.tuples(
        st.dates(dt.date(2026, 1, 1), dt.date(2026, 6, 1)).map(str),
        st.dates(dt.date(2026, 6, 2), dt.date(2026, 11, 1)).map(str),
    ),
    zone=st.sampled_from(("UTC", "Europe/Oslo", "America/New_York")).map(ZoneInfo),
)
def test_a_step_meets_its_range_and_a_zoom_contains_it(
    range_: tuple[str, str], zone: ZoneInfo
) -> None:
    first, last = time_expressions.window(*range_, zone, NOW)
    assume(first and last and first < last)
    second = dt.timedelta(seconds=1)
    before, wider = step(*range_, zone, NOW, -1), zoom_out(*range_, zone, NOW)
    assert before
    assert wider
    start, end = time_expressions.window(*before, zone, NOW)
    assert start
    assert end
    assert first
    assert last
    assert start < end
    assert abs(end - first) <= second
    start, end = time_expressions.window(*wider, zone, NOW)
    assert start
    assert end
    assert start <= first + second
    assert end >= last - second
    assert end <= max(NOW.replace(tzinfo=None), last) + dt.timedelta(days=1)


@pytest.mark.parametrize("tz", ["Pacific/Kiritimati", "America/New_York", "Etc/GMT+12"])
def test_ranges_at_the_ends_of_the_calendar_are_printed_and_moved(tz: str) -> None:
    zone = ZoneInfo(tz)
    ends = ("", "0001-01-01", "0001-01-01T00:00+14:00", "0001-03-01", "9999-12-01", "9999-12-31",
            "9999-12-31T23:59:59.999999-12:00", "99999d", "99999h")  # fmt: skip
    for start, end in itertools.product(ends, ends):
        try:
            Filter(start, end, tz=tz).check_values()
        except FilterError:
            continue
        assert bool(printed(start, end, zone, MONDAY)) == bool(start or end)
        moved = [step(start, end, zone, NOW, by) for by in (-1, 1)]
        for range_ in (*moved, zoom_out(start, end, zone, NOW)):
            if range_:
                Filter(*range_, tz=tz).check_values()
