"""Activity by weekday and local hour: how many events such an hour has on average.

A sum says more about how often an hour came than about what happened in it, so each is divided by
the number of such hours in the window. Hours that are cut by the window, not over or not collected
count as not there.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from trail.core.clock import naive_utc
from trail.events import covered, timeline
from trail.storage import timezones
from trail.storage.engine import Engine
from trail.storage.filters import Filter, Window
from trail.storage.where import select

_HOUR = dt.timedelta(hours=1)
# In zones with other offsets than whole hours, local hours consist of these.
_QUARTER = dt.timedelta(minutes=15)

_Label = tuple[int, int]


@dataclass(frozen=True, slots=True)
class HourOfWeek:
    """An hour of a weekday: `events` in `hours` complete ones, and `all_events` of the window."""

    events: int = 0
    hours: int = 0
    all_events: int = 0

    @property
    def average(self) -> float | None:
        """Return the events of one such hour, None if the window has no complete one."""
        return self.events / self.hours if self.hours else None


def week(engine: Engine, filter_: Filter, now: dt.datetime) -> list[list[HourOfWeek]]:
    """Return the hours of each weekday (0 is Monday) in the zone and window of *filter_*.

    *now* is aware.
    """
    window = timeline.bounded(engine, filter_.window(now), now)
    assert window.start and window.end
    zone = filter_.zone
    unit = _HOUR if timeline.whole_hours(filter_, window) else _QUARTER
    bars = timeline.histogram(engine, filter_, now, unit).bars
    known = covered.covered(engine, window, naive_utc(now), zone, filter_.choice("workspace"))
    parts = {bar.start: bar.count for bar in bars}
    all_events, events, hours = Counter[_Label](), Counter[_Label](), Counter[_Label]()
    for start, local in _local_times(list(parts), zone, window):
        label = local.weekday(), local.hour
        all_events[label] += parts[start]
        end = start + _HOUR
        inside = window.start <= start and end <= window.end
        if local.minute or not inside or not known.covers(start, end):
            continue
        hours[label] += 1
        events[label] += sum(parts.get(start + unit * part, 0) for part in range(_HOUR // unit))
    return [
        [
            HourOfWeek(events[day, hour], hours[day, hour], all_events[day, hour])
            for hour in range(24)
        ]
        for day in range(7)
    ]


def _local_times(
    starts: list[dt.datetime], zone: ZoneInfo, window: Window
) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Give each of *starts* (UTC, in order) and what the clock of *zone* shows then."""
    assert window.start and window.end
    changes = timezones.offsets(zone, min([window.start, *starts[:1]]), window.end)
    at = 0
    for start in starts:
        while at + 1 < len(changes) and start >= changes[at + 1][0]:
            at += 1
        yield start, start + dt.timedelta(seconds=changes[at][1])


def latest_hour(
    engine: Engine, filter_: Filter, now: dt.datetime, weekday: int, hour: int
) -> tuple[dt.datetime, dt.datetime] | None:
    """Return start and end (UTC) of the latest local *hour* of *weekday* that has events.

    None if no event that matches *filter_* falls into that hour of the week.
    """
    window = timeline.bounded(engine, filter_.window(now), now)
    selection = select(engine, filter_, now)
    local = timezones.local("e.occurred_at", filter_.zone, window)
    last = engine.table(
        f"select max(e.occurred_at) as last from events e where {selection.timed()} "
        f"and isodow({local}) - 1 = {int(weekday)} and hour({local}) = {int(hour)}",
        selection.params,
    )["last"][0].as_py()
    if last is None:
        return None
    start = last.replace(minute=0, second=0, microsecond=0)
    shift = last.replace(tzinfo=dt.UTC).astimezone(filter_.zone).utcoffset()
    # In zones with a fractional offset, a local hour starts within a UTC hour.
    part = dt.timedelta(seconds=(shift or dt.timedelta()).total_seconds() % 3600)
    start -= part
    if last >= start + _HOUR:
        start += _HOUR
    return start, start + _HOUR
