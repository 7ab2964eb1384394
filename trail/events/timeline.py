"""Events over time: histograms, local days, and the bounds of a window."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Literal
from zoneinfo import ZoneInfo

from trail.core.clock import naive_utc
from trail.events.count_source import count_source
from trail.storage import timezones
from trail.storage.engine import Engine
from trail.storage.filters import Filter, Window

_HOUR = dt.timedelta(hours=1)
# Longest window and width of its bars.
_GRAINS = (
    (dt.timedelta(hours=2), dt.timedelta(minutes=1)),
    (dt.timedelta(hours=8), dt.timedelta(minutes=5)),
    (dt.timedelta(hours=36), dt.timedelta(minutes=15)),
    (dt.timedelta(days=8), _HOUR),
)
_DAY = dt.timedelta(days=1)
# Longest window that a chart shows.
_LONGEST = dt.timedelta(days=2000)
# Far enough from the first and the last possible time for days before and after a window.
_RANGE = dt.datetime(20, 1, 1), dt.datetime(9980, 1, 1)  # noqa: DTZ001 - UTC, see Window


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram: its start and end (UTC, without zone) and number of events."""

    start: dt.datetime
    end: dt.datetime
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Consecutive bars, oldest first, and their width; `parts` are the events of each by value."""

    bars: tuple[Bar, ...]
    grain: dt.timedelta
    parts: tuple[dict[str, int], ...] = ()


def histogram(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    grain: dt.timedelta | None = None,
    by: Literal["", "category", "outcome"] = "",
) -> Histogram:
    """Return the events of *filter_* over time; days are those of the filter's zone.

    With *by*, the events of each bar are also counted by this column.
    """
    window = bounded(engine, filter_.window(now), now)
    assert window.start and window.end
    grain = grain or default_grain(window)
    whole = grain >= _HOUR and whole_hours(filter_, window)
    rows = count_source(engine, filter_, now, whole_hours=whole)
    bucket = bucket_sql(rows.time, grain, filter_, window)
    key = ", e.action_key" if by else ""
    sql = f"select {bucket} as bucket{key}, {rows.n} as n from {rows.source} group by all"
    if by:
        sql = (
            f"select bucket, {by} as part, sum(n)::bigint as n from ({sql}) "
            "join actions using (action_key) group by all"
        )
    counts: dict[dt.datetime, dict[str, int]] = {}
    for row in engine.table(sql, rows.params).to_pylist():
        counts.setdefault(row["bucket"], {})[row.get("part", "")] = row["n"]
    empty = empty_bars(window, grain, filter_)
    parts = tuple(counts.get(key, {}) for key in empty)
    bars = (
        replace(bar, count=sum(part.values()))
        for bar, part in zip(empty.values(), parts, strict=True)
    )
    return Histogram(tuple(bars), grain, parts if by else ())


def bucket_sql(column: str, grain: dt.timedelta, filter_: Filter, window: Window) -> str:
    """Return SQL for the key in `empty_bars` of the bar that *column* (UTC) falls into."""
    if grain >= _DAY:
        return local_day_sql(column, filter_.zone, window)
    # Shorter bars are cut in UTC, so that the hour repeated at the end of DST keeps its own bars.
    return (
        f"time_bucket(to_seconds({int(grain.total_seconds())}), {column}, "
        f"timestamp '{_origin(grain, filter_, window)}')"
    )


def empty_bars(window: Window, grain: dt.timedelta, filter_: Filter) -> dict[dt.datetime, Bar]:
    """Return the empty bars of *window* (both ends set) by key, oldest first."""
    assert window.start and window.end
    if grain >= _DAY:
        return {day_key(bar, filter_.zone): bar for bar in local_days(window, filter_.zone)}
    bars = {}
    origin = _origin(grain, filter_, window)
    start = origin + (window.start - origin) // grain * grain
    while start < window.end:
        bars[start] = Bar(start, start + grain, 0)
        start += grain
    return bars


def by_category(
    engine: Engine, filter_: Filter, now: dt.datetime, grain: dt.timedelta = _DAY
) -> list[tuple[Bar, dict[str, int]]]:
    """Return the bars of *grain* of the window, oldest first, each with its events by category."""
    result = histogram(engine, filter_, now, grain, by="category")
    return list(zip(result.bars, result.parts, strict=True))


def local_day_sql(column: str, zone: ZoneInfo, window: Window) -> str:
    """Return SQL for the local day of *column* (UTC), equal to `day_key`."""
    return f"date_trunc('day', {timezones.local(column, zone, window)})"


def day_key(bar: Bar, zone: ZoneInfo) -> dt.datetime:
    """Return the key of the local day that starts with *bar*, equal to `local_day_sql`."""
    day = bar.start.replace(tzinfo=dt.UTC).astimezone(zone).date()
    return dt.datetime.combine(day, dt.time())


def local_days(window: Window, zone: ZoneInfo) -> list[Bar]:
    """Return the local days that *window* (both ends set) touches, with counts of 0."""
    assert window.start and window.end
    day = window.start.replace(tzinfo=dt.UTC).astimezone(zone).date()
    start, bars = midnight(day, zone), []
    while start < window.end:
        day += _DAY
        end = midnight(day, zone)
        bars.append(Bar(start, end, 0))
        start = end
    return bars


def whole_hours(filter_: Filter, window: Window) -> bool:
    """Return whether the zone's UTC offset is whole hours throughout *window*."""
    assert window.start and window.end
    offsets = timezones.offsets(filter_.zone, window.start, window.end)
    return all(seconds % 3600 == 0 for _, seconds in offsets)


def default_grain(window: Window) -> dt.timedelta:
    """Return the default width of the bars of a histogram over *window*."""
    assert window.start and window.end
    length = window.end - window.start
    return next((grain for longest, grain in _GRAINS if length <= longest), _DAY)


def bounded(engine: Engine, window: Window, now: dt.datetime) -> Window:
    """Return *window* with open ends set to the first event, and to the last event or *now*.

    A window longer than 2,000 days is cut to the time that has events. Events that are dated in the
    future do not count here: one of them could stretch a chart by decades. Charts begin and end
    within `_RANGE`.
    """
    window = Window(_in_range(window.start), _in_range(window.end))
    if window.start and window.end and window.end - window.start <= _LONGEST:
        return window
    table = engine.table(
        "select min(hour) as first, max(hour) as last from cube where not future_dated"
    )
    first, last = table["first"][0].as_py(), table["last"][0].as_py()
    moment = naive_utc(now)
    newest = max(moment, last + _HOUR if last else moment)
    end = min(window.end, newest) if window.end else newest
    start = first or end - _DAY
    if window.start:
        start = max(window.start, start) if end - window.start > _LONGEST else window.start
    return Window(min(start, end), end)


def _in_range(moment: dt.datetime | None) -> dt.datetime | None:
    return moment and min(max(moment, _RANGE[0]), _RANGE[1])


def _origin(grain: dt.timedelta, filter_: Filter, window: Window) -> dt.datetime:
    """Return a UTC time from which bars of *grain* start at round local times."""
    assert window.start
    offset_s = timezones.offsets(filter_.zone, window.start, window.start)[0][1]
    remainder_s = offset_s % int(grain.total_seconds())
    return dt.datetime(2000, 1, 1) - dt.timedelta(seconds=remainder_s)  # noqa: DTZ001 - UTC, see Window


def midnight(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """Return the start (UTC, without zone) of the local *day*."""
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC).replace(tzinfo=None)
