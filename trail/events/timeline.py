"""When: the histogram, days of the reader's zone, and the ends of a window."""

import datetime as dt
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from trail.events.count_source import rows_of
from trail.storage import timezones
from trail.storage.database import Engine
from trail.storage.filters import Filter, Window

_HOUR = dt.timedelta(hours=1)
# Grain of a histogram: for windows up to so long, bars of so long.
_GRAINS = (
    (dt.timedelta(hours=2), dt.timedelta(minutes=1)),
    (dt.timedelta(hours=8), dt.timedelta(minutes=5)),
    (dt.timedelta(hours=36), dt.timedelta(minutes=15)),
    (dt.timedelta(days=8), _HOUR),
)
_DAY = dt.timedelta(days=1)
# No chart has more days than this.
_LONGEST = dt.timedelta(days=2000)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram: its span in UTC, without zone, and how many events."""

    start: dt.datetime
    end: dt.datetime
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bars without gaps, oldest first, and how wide they are."""

    bars: tuple[Bar, ...]
    grain: dt.timedelta


def histogram(
    engine: Engine, filter_: Filter, now: dt.datetime, grain: dt.timedelta | None = None
) -> Histogram:
    """Return the events of *filter_* over time; days are those of the filter's zone."""
    window = bounded(engine, filter_.window(now), now)
    assert window.start and window.end
    grain = grain or grain_of(window)
    whole = grain >= _HOUR and whole_hours(filter_, window)
    rows = rows_of(engine, filter_, now, cube=whole)
    bucket = bucket_of(rows.time, grain, filter_, window)
    table = engine.table(
        f"select {bucket} as bucket, {rows.n} as n from {rows.source} group by all", rows.params
    )
    counts = dict(zip(table["bucket"].to_pylist(), table["n"].to_pylist(), strict=True))
    bars = bars_of(window, grain, filter_)
    return Histogram(
        tuple(replace(bar, count=counts.get(key, 0)) for key, bar in bars.items()), grain
    )


def bucket_of(column: str, grain: dt.timedelta, filter_: Filter, window: Window) -> str:
    """Return SQL for the bar of *grain* that *column* (UTC) falls into, as `bars_of` names it."""
    if grain >= _DAY:
        return day_of(column, filter_.zone, window)
    # Bars shorter than a day stay apart when the clock goes back: cut on UTC, not the clock.
    return (
        f"time_bucket(to_seconds({int(grain.total_seconds())}), {column}, "
        f"timestamp '{_origin(grain, filter_, window)}')"
    )


def bars_of(window: Window, grain: dt.timedelta, filter_: Filter) -> dict[dt.datetime, Bar]:
    """Return the empty bars of *window* (both ends set) by their name, oldest first."""
    assert window.start and window.end
    if grain >= _DAY:
        return {day_key(bar, filter_.zone): bar for bar in days_of(window, filter_.zone)}
    bars = {}
    origin = _origin(grain, filter_, window)
    start = origin + (window.start - origin) // grain * grain
    while start < window.end:
        bars[start] = Bar(start, start + grain, 0)
        start += grain
    return bars


def by_category(
    engine: Engine, filter_: Filter, now: dt.datetime
) -> list[tuple[dt.datetime, str, int]]:
    """Return (start of the local day in UTC, category, events) for what *filter_* chooses."""
    window = bounded(engine, filter_.window(now), now)
    rows = rows_of(engine, filter_, now, cube=whole_hours(filter_, window))
    table = engine.table(
        "select day, category, sum(n)::bigint as n from ("
        f"select {day_of(rows.time, filter_.zone, window)} as day, e.action_key, {rows.n} as n "
        f"from {rows.source} group by all) join actions using (action_key) group by all",
        rows.params,
    )
    starts = {day_key(bar, filter_.zone): bar.start for bar in days_of(window, filter_.zone)}
    return [
        (starts[row["day"]], row["category"], row["n"])
        for row in table.to_pylist()
        if row["day"] in starts
    ]


def day_of(column: str, zone: ZoneInfo, window: Window) -> str:
    """Return SQL for the local day of *column* (UTC), as `day_key` names it."""
    return f"date_trunc('day', {timezones.local(column, zone, window)})"


def day_key(bar: Bar, zone: ZoneInfo) -> dt.datetime:
    """Return the name that `day_of` gives the local day that starts with *bar*."""
    day = bar.start.replace(tzinfo=dt.UTC).astimezone(zone).date()
    return dt.datetime.combine(day, dt.time())


def days_of(window: Window, zone: ZoneInfo) -> list[Bar]:
    """Return the local days that *window* (both ends set) touches, with counts of 0."""
    assert window.start and window.end
    day = window.start.replace(tzinfo=dt.UTC).astimezone(zone).date()
    start, bars = _midnight(day, zone), []
    while start < window.end:
        day += _DAY
        end = _midnight(day, zone)
        bars.append(Bar(start, end, 0))
        start = end
    return bars


def whole_hours(filter_: Filter, window: Window) -> bool:
    """Return whether the zone's clock only differs from UTC by whole hours in *window*."""
    assert window.start and window.end
    shift = timezones.offsets(filter_.zone, window.start, window.end)
    return all(seconds % 3600 == 0 for _, seconds in shift)


def grain_of(window: Window) -> dt.timedelta:
    """Return how wide the bars of a histogram over *window* are."""
    assert window.start and window.end
    length = window.end - window.start
    return next((grain for longest, grain in _GRAINS if length <= longest), _DAY)


def bounded(engine: Engine, window: Window, now: dt.datetime) -> Window:
    """Return *window* with both ends: open ones at the first event, and the last or now.

    A window of many years is cut to the years that have events, so that it can be drawn.
    """
    if window.start and window.end and window.end - window.start <= _LONGEST:
        return window
    table = engine.table("select min(hour) as first, max(hour) as last from cube")
    first, last = table["first"][0].as_py(), table["last"][0].as_py()
    moment = now.astimezone(dt.UTC).replace(tzinfo=None)
    newest = max(moment, last + _HOUR if last else moment)
    end = min(window.end, newest) if window.end else newest
    start = first or end - _DAY
    if window.start:
        start = max(window.start, start) if end - window.start > _LONGEST else window.start
    return Window(min(start, end), end)


def _origin(grain: dt.timedelta, filter_: Filter, window: Window) -> dt.datetime:
    """Return a moment from which bars of *grain* start at round times of the filter's clock."""
    assert window.start
    east = timezones.offsets(filter_.zone, window.start, window.start)[0][1]
    skew = east % int(grain.total_seconds())
    return dt.datetime(2000, 1, 1) - dt.timedelta(seconds=skew)  # noqa: DTZ001 - UTC, see Window


def _midnight(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC).replace(tzinfo=None)
