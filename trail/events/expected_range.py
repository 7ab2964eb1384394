"""What is usual at a time: the median and quartiles of the same local hour or day of past weeks.

Only weeks whose hour or day was collected as a whole count, and only with enough of them is there
a range: what was not collected is not an example of a quiet week.
"""

import datetime as dt
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from trail.core.clock import naive_utc
from trail.events import covered, periods, timeline
from trail.events.timeline import Bar, Histogram
from trail.storage.engine import Engine
from trail.storage.filters import Filter, Window

MIN_WEEKS, MAX_WEEKS = 3, 8
_HOUR, _DAY, _WEEK = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(weeks=1)
# In zones with other offsets than whole hours, local hours consist of these.
_QUARTER = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Range:
    """The quartiles and the median of the counts of `weeks` past weeks."""

    low: float
    median: float
    high: float
    weeks: int


@dataclass(frozen=True, slots=True)
class Expected:
    """The range of each bar, None where too few past weeks were collected.

    `reason` says why there is none at all, else it is empty.
    """

    ranges: tuple[Range | None, ...]
    reason: str = ""

    @property
    def weeks(self) -> tuple[int, int]:
        """Return the least and the most weeks that a range is of; (0, 0) without ranges."""
        numbers = [item.weeks for item in self.ranges if item]
        return (min(numbers), max(numbers)) if numbers else (0, 0)


def expected(engine: Engine, filter_: Filter, now: dt.datetime, histogram: Histogram) -> Expected:
    """Return what is usual for each bar of *histogram*, at *now* (aware).

    The bars are hours or days of the zone of *filter_*; for shorter ones there is no range. Events
    that are dated in the future do not count, unless the filter asks for them.
    """
    bars, grain = histogram.bars, histogram.grain
    nothing = (None,) * len(bars)
    if grain < _HOUR:
        return Expected(nothing, "The expected range is of whole hours and days")
    if not bars:
        return Expected(nothing, "No time in this window")
    zone = filter_.zone
    # A day more at both ends, since local days and hours move with daylight saving time.
    window = Window(
        _hour(bars[0].start - MAX_WEEKS * _WEEK - _DAY), _hour(bars[-1].end - _WEEK + _DAY)
    )
    known = covered.covered(engine, window, naive_utc(now), zone, filter_.choice("workspace"))
    counts = _counts(engine, periods.narrowed(filter_, window), now, grain, window)
    ranges, most = [], 0
    for bar in bars:
        samples = [
            sum(counts.get(part, 0) for part in parts)
            for start, end, parts in _earlier(bar, grain, zone)
            if known.covers(start, end)
        ]
        most = max(most, len(samples))
        ranges.append(_range(samples))
    if most < MIN_WEEKS:
        return Expected(
            nothing, f"An expected range needs {MIN_WEEKS} earlier weeks with data, found {most}"
        )
    return Expected(tuple(ranges))


def _range(samples: list[int]) -> Range | None:
    if len(samples) < MIN_WEEKS:
        return None
    low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Range(low, median, high, len(samples))


def _counts(
    engine: Engine, filter_: Filter, now: dt.datetime, grain: dt.timedelta, window: Window
) -> Mapping[dt.datetime, int]:
    """Return events by day as in `timeline.day_key`, else by the start (UTC) of what hours are of.

    Hours come from the hourly counts where the zone allows it.
    """
    if grain >= _DAY:
        days = timeline.histogram(engine, filter_, now, _DAY).bars
        return {timeline.day_key(bar, filter_.zone): bar.count for bar in days}
    unit = _HOUR if timeline.whole_hours(filter_, window) else _QUARTER
    counts: dict[dt.datetime, int] = {}
    for bar in timeline.histogram(engine, filter_, now, unit).bars:
        for part in range(unit // _QUARTER):
            counts[bar.start + part * _QUARTER] = bar.count if part == 0 else 0
    return counts


def _earlier(
    bar: Bar, grain: dt.timedelta, zone: ZoneInfo
) -> Iterator[tuple[dt.datetime, dt.datetime, list[dt.datetime]]]:
    """Give start, end (UTC) and the keys of the counts of *bar* in each of the weeks before.

    An hour that the clocks skipped in a week is left out of it.
    """
    local = bar.start.replace(tzinfo=dt.UTC).astimezone(zone)
    for week in range(1, MAX_WEEKS + 1):
        if grain >= _DAY:
            day = local.date() - week * _WEEK
            start, end = timeline.midnight(day, zone), timeline.midnight(day + _DAY, zone)
            yield start, end, [dt.datetime.combine(day, dt.time())]
            continue
        earlier = local - week * _WEEK
        moment = earlier.astimezone(dt.UTC)
        if moment.astimezone(zone).replace(tzinfo=None) != earlier.replace(tzinfo=None):
            continue
        start = moment.replace(tzinfo=None)
        yield start, start + _HOUR, [start + part * _QUARTER for part in range(4)]


def _hour(at: dt.datetime) -> dt.datetime:
    return at.replace(minute=0, second=0, microsecond=0)
