"""The expected range is of the same local hours and days of past weeks that were collected."""

import bisect
import datetime as dt
import functools
import json
import statistics
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trail.core.settings import Settings
from trail.events import coverage, expected_range, hours_of_week, timeline
from trail.ingest.files import load_files
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

DAY, HOUR, MINUTE = dt.timedelta(days=1), dt.timedelta(hours=1), dt.timedelta(minutes=1)
# Summer time ends in each of the zones that have it between the weeks, or begins (Lord Howe).
ZONES = ("UTC", "Europe/Oslo", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
FIRST, LAST = dt.datetime(2026, 8, 18, 9), dt.datetime(2026, 11, 15, 12, 40)
# A quarter of an hour, a day and a half, a minute (which is negligible), and some days.
GAPS = (
    (dt.datetime(2026, 9, 15, 10, 10), dt.datetime(2026, 9, 15, 10, 25)),
    (dt.datetime(2026, 9, 29, 3), dt.datetime(2026, 9, 30, 15)),
    (dt.datetime(2026, 10, 14, 10, 10), dt.datetime(2026, 10, 14, 10, 11)),
    (dt.datetime(2026, 11, 2, 23), dt.datetime(2026, 11, 6, 1)),
)
NEGLIGIBLE = 0.02


def record(number: int, at: dt.datetime) -> dict[str, str]:
    return {
        "id": f"e{number}",
        "type": "Source Modified" if number % 4 else "Source Deleted",
        "timestamp": f"{at.isoformat()}Z",
        "actor": "users/a",
        "resourceId": f"r{number % 5}",
        "resourceType": "source",
        "resourceName": "x",
    }


def moments() -> list[dt.datetime]:
    """Return times that come more often by day, and not during the gaps."""
    result, at, number = [], FIRST, 0
    while at < LAST:
        collected = not any(start <= at < end for start, end in GAPS)
        if collected and (at.hour > 5 or number % 3 == 0):
            result.append(at)
        number += 1
        at += dt.timedelta(minutes=17 + 13 * (number % 4))
    return result


TIMES = moments()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store with the events of `TIMES`, collected but for the `GAPS`, and a future one."""
    folder = tmp_path_factory.mktemp("usual")
    lines = [json.dumps(record(number, at)) for number, at in enumerate(TIMES)]
    lines.append(json.dumps(record(-1, dt.datetime(2090, 1, 1))))
    (folder / "events.ndjson").write_text("\n".join(lines))
    opened = Store.open(folder / "t.duckdb", Settings())
    list(load_files(opened, Settings(), [folder / "events.ndjson"]))
    edges = [FIRST - DAY, *(at for gap in GAPS for at in gap), LAST]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        opened.write(
            lambda cursor, start=start, end=end: coverage.note(  # type: ignore[misc]
                cursor, "poll", coverage.WATCHED, start, end
            )
        )
    yield opened
    opened.close()


def count(start: dt.datetime, end: dt.datetime) -> int:
    return bisect.bisect_left(TIMES, end) - bisect.bisect_left(TIMES, start)


def is_collected(start: dt.datetime, end: dt.datetime, zone: ZoneInfo, now: dt.datetime) -> bool:
    """Return whether nearly every minute of a period that is over was collected."""
    begins = FIRST.replace(tzinfo=dt.UTC).astimezone(zone).date()
    if start.replace(tzinfo=dt.UTC).astimezone(zone).date() < begins or end > min(now, LAST):
        return False
    overlaps = [min(end, finish) - max(start, begin) for begin, finish in GAPS]
    lost = sum((overlap for overlap in overlaps if overlap > 0 * DAY), 0 * DAY)
    return lost / (end - start) <= NEGLIGIBLE


@functools.cache
def periods_of(
    grain: dt.timedelta, zone: ZoneInfo
) -> dict[object, tuple[dt.datetime, dt.datetime]]:
    """Return every local hour or day of the time with events, by its clock time.

    Of an hour that comes twice, the second one has a key of its own.
    """
    result: dict[object, tuple[dt.datetime, dt.datetime]] = {}
    quarter = 15 * MINUTE
    at = FIRST.replace(minute=0) - 2 * DAY
    while at < LAST + 2 * DAY:
        local = at.replace(tzinfo=dt.UTC).astimezone(zone)
        if grain == DAY:
            first, _ = result.get(local.date(), (at, at))
            result[local.date()] = (first, at + quarter)
        else:
            result[local.replace(tzinfo=None), local.fold] = (at, at + HOUR)
        at += quarter
    return result


@given(
    zone_name=st.sampled_from(ZONES),
    days=st.sampled_from([2, 3, 5, 9]),
    start=st.dates(FIRST.date() + 10 * DAY, LAST.date()),
    now=st.sampled_from([LAST, LAST + 9 * DAY, LAST - 20 * DAY]),
    by_day=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_ranges_equal_those_of_a_count_by_the_clock(
    store: Store, zone_name: str, days: int, start: dt.date, now: dt.datetime, *, by_day: bool
) -> None:
    zone, grain = ZoneInfo(zone_name), DAY if by_day else HOUR
    end = start + days * (5 if by_day else 1) * DAY
    filter_ = Filter(start=str(start), end=str(end), tz=zone_name)
    moment = now.replace(tzinfo=dt.UTC)
    shown = timeline.histogram(store, filter_, moment, grain)
    result = expected_range.expected(store, filter_, moment, shown)
    assert len(result.ranges) == len(shown.bars)
    known = min(now, LAST)
    by_clock = periods_of(grain, zone)
    numbers = []
    for bar, found in zip(shown.bars, result.ranges, strict=True):
        local = bar.start.replace(tzinfo=dt.UTC).astimezone(zone)
        samples = []
        for week in range(1, 9):
            key: object = local.date() - 7 * week * DAY
            if not by_day:
                clock = local.replace(tzinfo=None) - 7 * week * DAY
                key = (clock, local.fold) if (clock, local.fold) in by_clock else (clock, 0)
            if key in by_clock and is_collected(*by_clock[key], zone, known):
                samples.append(count(*by_clock[key]))
        numbers.append(len(samples))
        if len(samples) < 3:
            assert found is None
            continue
        assert found is not None
        low, middle, high = statistics.quantiles(samples, n=4, method="inclusive")
        assert (found.low, found.median, found.high) == (low, middle, high)
        assert found.weeks == len(samples)
    enough = [number for number in numbers if number >= 3]
    assert result.weeks == ((min(enough), max(enough)) if enough else (0, 0))
    assert bool(result.reason) == (not enough)
    if not enough:
        assert result.reason.endswith(f"found {max(numbers)}")


def test_shorter_bars_have_a_reason_and_a_filter_narrows_the_range(store: Store) -> None:
    moment = dt.datetime(2026, 10, 28, tzinfo=dt.UTC)
    filter_ = Filter(start="2026-10-26", end="2026-10-27", tz="UTC")
    quarters = timeline.histogram(store, filter_, moment, 15 * MINUTE)
    short = expected_range.expected(store, filter_, moment, quarters)
    assert (set(short.ranges), short.weeks) == ({None}, (0, 0))
    assert "hours and days" in short.reason
    days = timeline.histogram(store, filter_, moment, DAY)
    deleted = filter_.put("action", "Source Deleted", "include")
    (everything,) = expected_range.expected(store, filter_, moment, days).ranges
    (fewer,) = expected_range.expected(store, deleted, moment, days).ranges
    assert everything
    assert fewer
    assert 0 < fewer.median < everything.median / 2


@pytest.mark.parametrize("zone_name", ZONES)
def test_hours_of_the_week_are_averages_of_complete_hours(store: Store, zone_name: str) -> None:
    """Hours that the window cuts, that are not over or not collected count as not there."""
    zone = ZoneInfo(zone_name)
    start, end = dt.datetime(2026, 9, 14, 10, 40), dt.datetime(2026, 11, 15, 13)
    filter_ = Filter(start=f"{start}Z", end=f"{end}Z", tz=zone_name)
    week = hours_of_week.week(store, filter_, LAST.replace(tzinfo=dt.UTC))
    for day in range(7):
        for hour in range(24):
            complete = [
                span
                for (clock, _), span in periods_of(HOUR, zone).items()  # type: ignore[misc]
                if (clock.weekday(), clock.hour, clock.minute) == (day, hour, 0)
                and start <= span[0]
                and span[1] <= end
                and is_collected(*span, zone, LAST)
            ]
            item = week[day][hour]
            assert item.hours == len(complete)
            assert item.events == sum(count(*span) for span in complete)
            assert item.average == item.events / item.hours
