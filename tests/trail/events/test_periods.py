"""Comparisons are at matching phase, of complete hours and days that were collected."""

import contextlib
import datetime as dt
import functools
import json
from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.conftest import Load
from trail.core.settings import Settings
from trail.events import counts, coverage, periods, timeline
from trail.events.periods import Change
from trail.ingest.files import load_files
from trail.storage.duckdb import Store
from trail.storage.filters import Filter, Window

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
# Both changes of summer time in 2026 are within these weeks, in each of the zones that has them.
ZONES = ("UTC", "Europe/Oslo", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
FIRST, LAST = dt.datetime(2026, 8, 18), dt.datetime(2026, 11, 15, 12, 40)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store with an event every 37 minutes, at night fewer, over thirteen weeks."""
    folder = tmp_path_factory.mktemp("periods")
    lines, at, number = [], FIRST, 0
    while at < LAST:
        if at.hour > 5 or number % 3 == 0:
            lines.append(json.dumps(record(number, at)))
        number += 1
        at += dt.timedelta(minutes=37)
    (folder / "events.ndjson").write_text("\n".join(lines))
    result = Store.open(folder / "t.duckdb", Settings())
    list(load_files(result, Settings(), [folder / "events.ndjson"]))
    return result


def record(number: int, at: dt.datetime) -> dict[str, str]:
    return {
        "id": f"e{number}",
        "type": "Source Modified",
        "timestamp": f"{at.isoformat()}Z",
        "actor": "users/a",
        "resourceId": f"r{number % 5}",
        "resourceType": "source",
        "resourceName": "x",
    }


@functools.cache
def times(store: Store) -> list[dt.datetime]:
    """Return the times of all events."""
    return list(store.table("select occurred_at from events")["occurred_at"].to_pylist())


def local(at: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return at.replace(tzinfo=dt.UTC).astimezone(zone).replace(tzinfo=None)


def is_unclear(at: dt.datetime, zone: ZoneInfo) -> bool:
    """Return whether the local time of *at* exists twice, or not at all, within two hours."""
    near = [at.replace(tzinfo=dt.UTC) + hours * HOUR for hours in (-2, 0, 2)]
    return len({moment.astimezone(zone).utcoffset() for moment in near}) > 1


starts = st.one_of(
    st.sampled_from(["24h", "36h", "today", "yesterday", "this_week", "last_week", "2w"]),
    st.integers(2, 45).map(lambda days: f"{days}d"),
    st.datetimes(FIRST + 40 * DAY, LAST - 3 * HOUR).map(lambda at: f"{at:%Y-%m-%dT%H:%M}Z"),
    st.dates(FIRST.date() + 30 * DAY, LAST.date() - 2 * DAY).map(str),
)


@given(
    start=starts,
    zone_name=st.sampled_from(ZONES),
    by=st.sampled_from(periods.BY),
    now=st.datetimes(dt.datetime(2026, 10, 6), LAST),
    length_h=st.one_of(st.none(), st.integers(4, 500)),
)
@settings(max_examples=200, deadline=None)
def test_changes_equal_a_count_by_the_hands_of_the_local_clock(
    store: Store,
    start: str,
    zone_name: str,
    by: periods.By,
    now: dt.datetime,
    length_h: int | None,
) -> None:
    zone = ZoneInfo(zone_name)
    moment = now.replace(tzinfo=dt.UTC)
    filter_ = Filter(start=start, tz=zone_name)
    if length_h and start.endswith("Z"):
        end = dt.datetime.fromisoformat(start) + length_h * HOUR
        filter_ = Filter(start=start, end=end.isoformat(), tz=zone_name)
    window = filter_.window(moment)
    assume(window.start and window.start < now and (not window.end or window.end > window.start))
    result = periods.compared(store, filter_, moment, by)
    if result.current is None:
        assert result.before is None
        assert result.reason
        return
    assert result.current.start and result.current.end and result.before
    assert result.current.end <= now
    edges = [result.current.start, result.current.end, result.before.start, result.before.end]
    assume(not any(at and is_unclear(at, zone) for at in edges))

    # Independent: label each event with its local day or hour, and count equal labels.
    labels = Counter(_label(local(at, zone), result.grain) for at in times(store))
    shown = _labels(result.current, zone, result.grain)
    shift = local(result.current.start, zone) - local(result.before.start or FIRST, zone)
    assert shift % DAY == dt.timedelta()
    assert shift == DAY or shift % (7 * DAY) == dt.timedelta()
    earlier = [label - shift for label in shown]
    assert not set(shown) & set(earlier)
    for bar in timeline.empty_bars(result.current, result.grain, filter_).values():
        span = result.earlier(bar, zone)
        # Where the clock moves half an hour, hours of the clock are not those of the window.
        is_inside = bar.start >= result.current.start and bar.end <= result.current.end
        assert (span is None) == bool(result.reason or not is_inside)
        assert is_inside or zone_name == "Australia/Lord_Howe"
        if span and span.start and span.end and not is_unclear(bar.start, zone):
            assert local(span.start, zone) == local(bar.start, zone) - shift or is_unclear(
                span.start, zone
            )
    assert counts.count(store, periods.narrowed(filter_, result.current), moment) == sum(
        labels[label] for label in shown
    )
    assert counts.count(store, periods.narrowed(filter_, result.before), moment) == sum(
        labels[label] for label in earlier
    )


def _label(at: dt.datetime, grain: dt.timedelta) -> dt.datetime:
    if grain == DAY:
        return at.replace(hour=0, minute=0, second=0, microsecond=0)
    return at.replace(minute=0 if grain == HOUR else at.minute, second=0, microsecond=0)


def _labels(window: Window, zone: ZoneInfo, grain: dt.timedelta) -> list[dt.datetime]:
    assert window.start and window.end
    label, end, result = local(window.start, zone), local(window.end, zone), []
    while label < end:
        result.append(_label(label, grain))
        label += grain
    return result


@pytest.mark.parametrize(
    ("start", "by", "current", "before", "basis"),
    [
        # Friday 06:38: six whole days, and the same weekdays of the week before.
        ("7d", "week", ("11-07 00", "11-13 00"), ("10-31 00", "11-06 00"), "same weekdays a week"),
        ("30d", "week", ("10-15 00", "11-13 00"), ("09-10 00", "10-09 00"), "5 weeks earlier"),
        ("24h", "week", ("11-12 06", "11-13 06"), ("11-05 06", "11-06 06"), "same hours a week"),
        ("24h", "day", ("11-12 06", "11-13 06"), ("11-11 06", "11-12 06"), "same hours the day"),
        ("today", "week", ("11-13 00", "11-13 06"), ("11-06 00", "11-06 06"), "same hours a week"),
        ("yesterday", "day", ("11-12 00", "11-13 00"), ("11-11 00", "11-12 00"), "the day before"),
        ("yesterday", "week", ("11-12 00", "11-13 00"), ("11-05 00", "11-06 00"), "same weekday a"),
    ],
)
def test_windows_of_a_friday_morning(
    store: Store,
    start: str,
    by: periods.By,
    current: tuple[str, str],
    before: tuple[str, str],
    basis: str,
) -> None:
    now = dt.datetime(2026, 11, 13, 6, 38, tzinfo=dt.UTC)
    result = periods.compared(store, Filter(start=start, tz="UTC"), now, by)
    assert _text(result.current) == current
    assert _text(result.before) == before
    assert basis in result.basis
    assert not result.reason


def _text(window: Window | None) -> tuple[str, str]:
    assert window and window.start and window.end
    return f"{window.start:%m-%d %H}", f"{window.end:%m-%d %H}"


def test_what_arrived_last_ends_what_is_compared(store: Store) -> None:
    late = LAST.replace(tzinfo=dt.UTC) + 3 * DAY
    result = periods.compared(store, Filter(start="7d", tz="UTC"), late)
    assert _text(result.current) == ("11-12 00", "11-15 00")
    assert result.running == Window(dt.datetime(2026, 11, 15), late.replace(tzinfo=None))


def test_periods_before_the_first_event_or_not_collected_are_not_compared(
    load: Load, tmp_path_factory: pytest.TempPathFactory
) -> None:
    now = dt.datetime(2026, 11, 13, 6, 38, tzinfo=dt.UTC)
    with contextlib.closing(
        Store.open(tmp_path_factory.mktemp("gap") / "t.duckdb", Settings())
    ) as store:
        assert periods.compared(store, Filter(start="7d"), now).reason
        path = tmp_path_factory.mktemp("files") / "events.ndjson"
        first = dt.datetime(2026, 11, 2, 9)
        moments = (first + n * HOUR for n in range(24 * 12))
        path.write_text("\n".join(json.dumps(record(n, at)) for n, at in enumerate(moments)))
        list(load_files(store, Settings(), [path]))

        def reason(start: str) -> str:
            return periods.compared(store, Filter(start=start, tz="UTC"), now).reason

        assert reason("7d") == "No events before Mon 2 Nov"
        assert reason("3d") == ""
        for start, end in ((first, first + 2 * DAY), (first + 2.5 * DAY, now.replace(tzinfo=None))):
            store.write(
                lambda cursor, start=start, end=end: coverage.note(  # type: ignore[misc]
                    cursor, "segment_api", coverage.WATCHED, start, end
                )
            )
        assert reason("3d") == "12 hours of the earlier period not collected"
        assert reason("2d") == ""
        # Its own gap makes a window look calm, too.
        later = dt.datetime(2026, 11, 12, 6, 38, tzinfo=dt.UTC)
        gap = Filter(start="2026-11-04", end="2026-11-05", tz="UTC")
        assert periods.compared(store, gap, later).reason.startswith("No events before")
        gap = Filter(start="2026-11-04T18:00", end="2026-11-05T06:00", tz="UTC")
        by_day = periods.compared(store, gap, later, "day")
        assert by_day.reason == "3 hours of this window not collected"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change(106, 100), "+6 %"),
        (Change(94, 100), "−6 %"),
        (Change(100, 100), "±0"),
        (Change(10_001, 10_000), "±0 %"),
        (Change(5, 3), "+2"),
        (Change(3, 5), "−2"),
        (Change(5, 0), "new"),
        (Change(0, 0), "±0"),
        (Change(5, 3, minimum=1), "+67 %"),
        (Change(500, 3, reason="No events before Mon 2 Nov"), "–"),
    ],
)
def test_a_percentage_needs_a_number_to_compare_with(change: Change, text: str) -> None:
    assert change.text == text
