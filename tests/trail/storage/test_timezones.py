"""Local time from a few constant offsets, against the calendar itself over years."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.storage import timezones
from trail.storage.duckdb import Store
from trail.storage.filters import Window

NAMES = (
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
)
MOMENTS = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2040, 1, 1))


def offset(zone: ZoneInfo, at: dt.datetime) -> int:
    """Return the seconds east of UTC that the calendar says."""
    delta = at.replace(tzinfo=dt.UTC).astimezone(zone).utcoffset()
    assert delta is not None
    return int(delta.total_seconds())


def piecewise(known: list[tuple[dt.datetime, int]], at: dt.datetime) -> int:
    """Return the seconds that the last change up to *at* says."""
    return [seconds for since, seconds in known if since <= at][-1]


@pytest.mark.parametrize("name", NAMES)
def test_offsets_are_correct_through_eight_years(name: str) -> None:
    zone = ZoneInfo(name)
    start, end = dt.datetime(2023, 1, 1, 0, 7, 31), dt.datetime(2031, 1, 1)
    known = timezones.offsets(zone, start, end)
    assert known[0][0] == start
    assert known == sorted(known)
    yearly = 2 if name in ("Europe/London", "America/New_York", "Australia/Lord_Howe") else 0
    assert len(known) == 1 + 8 * yearly
    current = iter([*known[1:], (end, 0)])
    seconds, (change, following) = known[0][1], next(current)
    at = start
    while at < end:
        while at >= change:
            seconds, (change, following) = following, next(current)
        assert offset(zone, at) == seconds, at
        at += dt.timedelta(minutes=30)
    for since, after in known[1:]:
        assert offset(zone, since) == after
        assert offset(zone, since - dt.timedelta(microseconds=1)) != after


@given(
    name=st.sampled_from(NAMES),
    start=MOMENTS,
    length=st.timedeltas(dt.timedelta(0), dt.timedelta(days=500)),
    share=st.floats(0, 1),
)
def test_offsets_are_correct_in_any_window(
    name: str, start: dt.datetime, length: dt.timedelta, share: float
) -> None:
    zone = ZoneInfo(name)
    known = timezones.offsets(zone, start, start + length)
    at = start + length * share
    assert piecewise(known, at) == offset(zone, at)
    for since, seconds in known:
        assert start <= since <= start + length
        assert offset(zone, since) == seconds


def test_an_empty_window_has_the_offset_of_its_start() -> None:
    at = dt.datetime(2026, 7, 1)
    assert timezones.offsets(ZoneInfo("Europe/London"), at, at) == [(at, 3600)]
    assert timezones.offsets(ZoneInfo("Europe/London"), at, dt.datetime(2025, 1, 1)) == [(at, 3600)]


@pytest.mark.parametrize("name", ["UTC", *NAMES, "America/St_Johns"])
def test_sql_returns_local_time(store: Store, name: str) -> None:
    zone = ZoneInfo(name)
    window = Window(dt.datetime(2026, 1, 1), dt.datetime(2027, 1, 1))
    table = store.table(
        f"select t, {timezones.local('t', zone, window)} as shown from "
        "generate_series(timestamp '2026-01-01', timestamp '2026-12-31 23:59:00', "
        "interval 27 minute) as s(t)"
    )
    assert table.num_rows > 19_000
    for at, shown in zip(table["t"].to_pylist(), table["shown"].to_pylist(), strict=True):
        assert shown == at.replace(tzinfo=dt.UTC).astimezone(zone).replace(tzinfo=None)
