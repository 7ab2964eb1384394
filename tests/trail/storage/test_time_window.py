"""Times as people type them: what they mean, across clock changes, and printed and read again."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core import time_labels
from trail.core.errors import FilterError
from trail.storage import time_expressions
from trail.storage.filters import Filter
from trail.storage.time_expressions import MONDAY, SATURDAY, SUNDAY
from trail.storage.time_text import printed
from trail.storage.time_window import MAX_CHARS, typed

OSLO = ZoneInfo("Europe/Oslo")
# A Saturday, nine in the morning in Oslo.
NOW = dt.datetime(2026, 11, 28, 8, tzinfo=dt.UTC)
ZONES = ("UTC", "Europe/Oslo", "America/New_York", "Asia/Kathmandu", "Africa/Cairo")

MEANINGS = """
last 3 days | 3d |
the last three days | 3d |
15m | 15m |
last 15 min | 15m |
2w | 2w |
last hour | 1h |
past week | 7d |
last 24 hours | 24h |
last day | 24h |
last 2 months | 2mo |
today | today |
yesterday | yesterday |
This week | this_week |
last week | last_week |
previous month | last_month |
last year | last_year |
now-15m | 15m |
now-7d to now | 168h |
2 hours ago | 2h |
24h to 2h | 24h | 2h
since yesterday | yesterday | now
since last week | last_week | now
since monday | 2026-11-23 | now
monday to today | 2026-11-23 | now
since 8:30 | 2026-11-28T08:30 | now
after nov 3 | 2026-11-04 | now
before nov 3 | | 2026-11-03
until nov 3 | | 2026-11-04
from nov 3 on | 2026-11-03 |
nov 3 | 2026-11-03 | 2026-11-04
Tue, Nov 3rd, 2026 | 2026-11-03 | 2026-11-04
3.11.2026 | 2026-11-03 | 2026-11-04
13/11/2026 | 2026-11-13 | 2026-11-14
dec 24 | 2025-12-24 | 2025-12-25
3 days ago | 2026-11-25 | 2026-11-26
last saturday | 2026-11-21 | 2026-11-22
saturday | 2026-11-28 | 2026-11-29
november | 2026-11-01 | 2026-12-01
2026-10 | 2026-10-01 | 2026-11-01
2025 | 2025-01-01 | 2026-01-01
q3 | 2026-07-01 | 2026-10-01
3 nov - 10 nov | 2026-11-03 | 2026-11-11
3-10 nov | 2026-11-03 | 2026-11-11
nov 3–10 | 2026-11-03 | 2026-11-11
between 3 nov and 10 nov | 2026-11-03 | 2026-11-11
from 2026-11-03 to 2026-11-10 | 2026-11-03 | 2026-11-11
mon - wed | 2026-11-23 | 2026-11-26
20 dec - 5 jan | 2025-12-20 | 2026-01-06
20 dec - 5 jan 2026 | 2025-12-20 | 2026-01-06
last week to yesterday | 2026-11-16 | 2026-11-28
2026-11-03 14:00 to 16:00 | 2026-11-03T14:00 | 2026-11-03T16:00
nov 3 2:30pm - 4pm | 2026-11-03T14:30 | 2026-11-03T16:00
yesterday 9:00 | 2026-11-27T09:00 | now
yesterday 9-11am | 2026-11-27T09:00 | 2026-11-27T11:00
yesterday 11-1pm | 2026-11-27T11:00 | 2026-11-27T13:00
10:00-11:00 | 2026-11-27T10:00 | 2026-11-27T11:00
8:00:00-8:30:15 | 2026-11-28T08:00 | 2026-11-28T08:30:15
nov 3 10:00-11:00 | 2026-11-03T10:00 | 2026-11-03T11:00
2026-11-03 10:00-11:00 | 2026-11-03T10:00 | 2026-11-03T11:00
2026-11-03T10:00-11:00 | 2026-11-03T21:00:00Z | now
2026-11-03/2026-11-10 | 2026-11-03 | 2026-11-11
2026-11-03T10:00Z/2026-11-03T11:00Z | 2026-11-03T10:00:00Z | 2026-11-03T11:00:00Z
Week to date | this_week |
month-to-date | this_month |
day to date | today |
ytd | this_year |
Sat 28 Nov 2026, 08:00:19 Europe/Oslo | 2026-11-28T08:00:19 | now
2026-11-03 14:00 UTC | 2026-11-03T14:00:00Z | now
22:00 - 02:00 | 2026-11-27T22:00 | 2026-11-28T02:00
14:00 | 2026-11-27T14:00 | now
nov 3 22:00 - 24:00 | 2026-11-03T22:00 | 2026-11-04T00:00
2026-11-03T14:00+02:00 - 2026-11-03T15:00+02:00 | 2026-11-03T12:00:00Z | 2026-11-03T13:00:00Z
1764313200 - 1764316800 | 2025-11-28T07:00:00Z | 2025-11-28T08:00:00Z
around yesterday 9:00 | 2026-11-27T07:30:00Z | 2026-11-27T08:30:00Z
"""


@pytest.mark.parametrize("line", MEANINGS.strip().splitlines())
def test_what_people_type_is_read(line: str) -> None:
    text, start, end = (part.strip() for part in f"{line} |".split("|")[:3])
    assert typed(text, OSLO, NOW, MONDAY) == (start, end)


@pytest.mark.parametrize(
    ("text", "correction"),
    [
        ("yesteday", "“yesterday”"),
        ("last 3 dyas", "“last 3 days”"),
        ("novembr 3", "“november 3”"),
        ("3/11/2026", "3 Nov or 11 Mar"),
        ("30 feb", "28 days"),
        ("2026-13-01", "2026-11-03"),
        ("0000-00-00", "start at 1"),
        ("0 nov", "start at 1"),
        ("31 dec 9999", "1 to 9998"),
        ("10 nov - 3 nov", "“3 nov - 10 nov”"),
        ("wed 3 nov", "“Tue 3 Nov 2026”"),
        ("25:00", "14:00"),
        ("29 mar 2:30 - 2:45", "03:30"),
        ("around nov 3", "around 9:00"),
        ("0 days", "last 3 days"),
        ("nov 3 14:00, Asia/Tokyo (UTC+9)", "time zone first"),
        ("0001-01-01 00:00+23:59", "since monday"),
        ("99999 years ago", "Write less"),
        ("", "since monday"),
        ("3", "since monday"),
        ("now", "since monday"),
        ("x" * (MAX_CHARS + 1), "since monday"),
    ],
)
def test_what_is_not_understood_is_corrected(text: str, correction: str) -> None:
    with pytest.raises(FilterError) as caught:
        typed(text, OSLO, NOW, MONDAY)
    assert caught.value.message
    assert correction in caught.value.hint


@pytest.mark.parametrize(
    ("week_start", "name", "first"),
    [(MONDAY, "", "23"), (SUNDAY, "_sun", "22"), (SATURDAY, "_sat", "28")],
)
def test_weeks_start_as_the_reader_says(week_start: int, name: str, first: str) -> None:
    assert typed("this week", OSLO, NOW, week_start) == (f"this_week{name}", "")
    window = Filter(f"this_week{name}", tz="UTC").window(NOW)
    assert (window.start, window.end) == (
        dt.datetime.fromisoformat(f"2026-11-{first}"),
        NOW.replace(tzinfo=None),
    )
    last = Filter(f"last_week{name}", tz="UTC").window(NOW)
    assert last.end == window.start
    assert last.start == window.start - dt.timedelta(days=7)


@pytest.mark.parametrize(
    ("name", "now", "hours"),
    [
        # The days on which clocks change have 23 and 25 hours.
        ("yesterday", "2026-03-30T12:00", 23),
        ("yesterday", "2026-10-26T12:00", 25),
        ("last_week", "2026-03-31T12:00", 7 * 24 - 1),
        ("last_week", "2026-10-27T12:00", 7 * 24 + 1),
        ("last_month", "2026-04-15T12:00", 31 * 24 - 1),
        ("last_month", "2026-11-15T12:00", 31 * 24 + 1),
        ("last_month", "2028-03-15T12:00", 29 * 24),
        ("last_quarter", "2026-04-15T12:00", 90 * 24 - 1),
        ("last_year", "2026-04-15T12:00", 365 * 24),
        # Running: midnight to now.
        ("today", "2026-03-29T12:00", 11),
        ("today", "2026-10-25T12:00", 13),
        ("2w", "2026-10-25T00:00", 13 * 24),
        ("1mo", "2026-03-31T00:00", 30 * 24 - 1),
        ("1y", "2028-02-29T00:00", 365 * 24),
    ],
)
def test_periods_are_those_of_the_readers_calendar(name: str, now: str, hours: int) -> None:
    at = dt.datetime.fromisoformat(now).replace(tzinfo=OSLO)
    window = Filter(name, tz="Europe/Oslo").window(at)
    assert window.start
    assert window.end
    assert window.end - window.start == dt.timedelta(hours=hours)
    assert Filter(name).is_relative


def test_a_date_as_an_end_is_its_first_moment_and_a_period_its_last() -> None:
    window = Filter("2026-11-02", "2026-11-03").window(NOW)
    assert (window.start, window.end) == (dt.datetime(2026, 11, 2), dt.datetime(2026, 11, 3))
    assert Filter("", "yesterday").window(NOW).end == dt.datetime(2026, 11, 28)
    assert Filter("", "now").window(NOW).end == NOW.replace(tzinfo=None)
    assert Filter("2026-11-02", "this_month").window(NOW).end == NOW.replace(tzinfo=None)


_RELATIVE = (
    *("now", "today", "yesterday", "this_week", "last_week_sun", "last_month", "this_quarter"),
    *("last_year", "24h", "1h", "90m", "7d", "1d", "2w", "3mo", "1y", "99999w"),
)


@given(
    hours=st.integers(1, 200),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    now=st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2026, 12, 31)),
)
def test_from_a_day_on_hours_begin_with_a_whole_one(
    hours: int, zone: ZoneInfo, now: dt.datetime
) -> None:
    start, end = time_expressions.window(f"{hours}h", "", zone, now.replace(tzinfo=dt.UTC))
    assert start
    assert end == now
    exact = now - dt.timedelta(hours=hours)
    if hours < 24:
        assert start == exact
    else:
        assert exact - dt.timedelta(hours=1) < start <= exact
        local = start.replace(tzinfo=dt.UTC).astimezone(zone)
        assert (local.minute, local.second, local.microsecond) == (0, 0, 0)


_FIRST, _LAST = dt.datetime(2020, 1, 1), dt.datetime(2027, 12, 31)
_EDGES = st.one_of(
    st.sampled_from(_RELATIVE),
    st.dates(_FIRST.date(), _LAST.date()).map(str),
    st.datetimes(_FIRST, _LAST).map(lambda at: f"{at.isoformat(timespec='seconds')}Z"),
)


@given(
    start=_EDGES | st.just(""),
    end=_EDGES | st.just(""),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    now=st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2026, 12, 31)),
    week_start=st.sampled_from((MONDAY, SUNDAY, SATURDAY)),
)
def test_what_is_printed_is_read_as_the_same_window(
    start: str, end: str, zone: ZoneInfo, now: dt.datetime, week_start: int
) -> None:
    at = now.replace(tzinfo=dt.UTC)
    window = time_expressions.window(start, end, zone, at)
    if not (start or end) or (window[0] and window[1] and window[0] >= window[1]):
        return
    text = printed(start, end, zone, week_start)
    read = typed(text, zone, at, week_start)
    assert time_expressions.window(*read, zone, at) == window, text
    again = printed(*read, zone, week_start)
    assert printed(*typed(again, zone, at, week_start), zone, week_start) == again


@given(
    ago=st.tuples(st.integers(0, 300 * 1440), st.integers(120, 100 * 1440)),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_the_range_that_a_page_shows_can_be_pasted(ago: tuple[int, int], zone: ZoneInfo) -> None:
    last = NOW.replace(tzinfo=None) - dt.timedelta(minutes=ago[0])
    first = last - dt.timedelta(minutes=ago[1])
    text = time_labels.window(first, last, zone, NOW)
    read = time_expressions.window(*typed(text, zone, NOW, MONDAY), zone, NOW)
    for at, again in zip((first, last), read, strict=True):
        local = at.replace(tzinfo=dt.UTC).astimezone(zone)
        # An hour that the clocks repeat is written like the one before it.
        repeated = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        assert repeated or again == at, text


_WORDS = st.sampled_from(
    ("last", "3", "days", "nov", "since", "monday", "-", "to", "2026-11-03", "14:00", "9am", "ago",
     "q3", "yesterday", "between", "and", "2026", "31", "feb", "week", "24:00", "+02:00", "1/2",
     "99999", "years", "around", "on", "day before yesterday", "now", "\u0663", "3-", "z")
)  # fmt: skip


@given(
    text=st.lists(_WORDS, max_size=6).map(" ".join) | st.text(max_size=20),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_whatever_is_typed_is_an_ordered_window_or_an_error(text: str, zone: ZoneInfo) -> None:
    try:
        start, end = typed(text, zone, NOW, MONDAY)
    except FilterError as error:
        assert error.hint
        return
    Filter.parse([("from", start), ("to", end), ("tz", zone.key)])
    first, last = time_expressions.window(start, end, zone, NOW)
    assert first is None or last is None or first < last


def test_a_time_of_day_stays_where_the_zone_changes_and_a_day_does_not() -> None:
    assert time_expressions.pinned("2026-11-03T14:00", OSLO) == "2026-11-03T13:00:00Z"
    for text in ("2026-11-03", "2026-11-03T14:00Z", "7d", "now", "", "last_week"):
        assert time_expressions.pinned(text, OSLO) == text
