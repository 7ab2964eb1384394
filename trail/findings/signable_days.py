"""The days that can be signed: whole days of the viewer's zone, closed and sealed in UTC.

A day of another zone overlaps two or three UTC days; all of them must be closed and sealed, so that
the seals prove what the sign-off covers.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from zoneinfo import ZoneInfo

from trail.core.clock import naive_utc
from trail.integrity import sealing
from trail.storage.engine import Engine
from trail.storage.filters import Filter, Window

_DAY = dt.timedelta(days=1)
_NO_START = "the period has no start"

Run = tuple[dt.date, dt.date]


@dataclass(frozen=True, slots=True)
class SignableDays:
    """A run of days that can be signed (None for none), and the other days with the reason."""

    run: Run | None
    others: tuple[tuple[Run, str], ...]
    zone: ZoneInfo

    @property
    def number(self) -> int:
        """Return how many days can be signed."""
        return (self.run[1] - self.run[0]).days + 1 if self.run else 0

    @property
    def window(self) -> Window:
        """Return the window of the run in UTC."""
        assert self.run
        return Window(_start(self.run[0], self.zone), _start(self.run[1] + _DAY, self.zone))

    def sentence(self) -> str:
        """Return which days can be signed, and why others cannot."""
        which = "No day can be signed"
        if self.run:
            number = self.number
            which = f"{number:,} day{'s' * (number != 1)} can be signed: {days_text(self.run)}"
        which += f" ({self.zone.key})"
        reasons = "; ".join(
            f"{days_text(run)}: {why}" if run[1] != dt.date.max else why for run, why in self.others
        )
        return f"{which}. Not included: {reasons}." if reasons else f"{which}."


def days_text(run: Run) -> str:
    """Return days as text: `Mon 9 Nov 2026` or `Mon 9 Nov to Sun 15 Nov 2026`."""
    first, last = run
    text = f"{last:%a} {last.day} {last:%b} {last.year}"
    if first == last:
        return text
    year = f" {first.year}" if first.year != last.year else ""
    return f"{first:%a} {first.day} {first:%b}{year} to {text}"


def signable(engine: Engine, filter_: Filter, now: dt.datetime, close_hours: float) -> SignableDays:
    """Return the days in the window of *filter_* that can be signed at *now* (aware).

    They are the longest run of such days, the earliest of equal ones.
    """
    zone, moment = filter_.zone, naive_utc(now)
    window = filter_.window(now)
    if window.start is None:
        return SignableDays(None, (((dt.date.min, dt.date.max), _NO_START),), zone)
    end = min(window.end or moment, moment)
    rows = engine.table("select distinct day from seals").to_pylist()
    sealed = {row["day"] for row in rows}
    closed = sealing.newest_closed(moment, close_hours)
    reasons = [
        (run, _why(run[0], Window(window.start, end), zone, closed, sealed, close_hours))
        for run in _candidates(Window(window.start, end), zone, sealed)
    ]
    return _chosen(_joined(reasons), zone)


def _candidates(window: Window, zone: ZoneInfo, sealed: set[dt.date]) -> Iterable[Run]:
    """Yield the days of *window*: one by one near sealed days, those before and after at once."""
    assert window.start and window.end
    if window.start >= window.end:
        return
    first = _local_day(window.start, zone)
    last = _local_day(window.end - dt.timedelta(microseconds=1), zone)
    low = max(first, min(sealed, default=last) - _DAY) if sealed else last
    high = min(last, max(sealed) + 2 * _DAY) if sealed else last
    if first < low:
        yield first, min(low - _DAY, last)
    day = low
    while day <= high:
        yield day, day
        day += _DAY
    if day <= last:
        yield day, last


def _why(
    day: dt.date,
    window: Window,
    zone: ZoneInfo,
    closed: dt.date,
    sealed: set[dt.date],
    close_hours: float,
) -> str:
    """Return why *day* cannot be signed; empty if it can."""
    assert window.start and window.end
    start, end = _start(day, zone), _start(day + _DAY, zone)
    last = (end - dt.timedelta(microseconds=1)).date()
    utc_days = [start.date() + number * _DAY for number in range((last - start.date()).days + 1)]
    if last > closed:
        return f"not closed yet (a day closes {close_hours:g} hours after it ends in UTC)"
    if any(utc_day not in sealed for utc_day in utc_days):
        return "not sealed"
    partial = start < window.start or end > window.end
    return "only part of the day is in the period" if partial else ""


def _joined(reasons: Iterable[tuple[Run, str]]) -> list[tuple[Run, str]]:
    """Return *reasons* with adjacent days of one reason joined."""
    joined = []
    for why, group in groupby(reasons, key=lambda item: item[1]):
        runs = [run for run, _ in group]
        joined.append(((runs[0][0], runs[-1][1]), why))
    return joined


def _chosen(runs: list[tuple[Run, str]], zone: ZoneInfo) -> SignableDays:
    possible = [run for run, why in runs if not why]
    best = max(possible, key=lambda run: (run[1] - run[0], -run[0].toordinal()), default=None)
    others = [
        (run, why or "after or before days that cannot be signed; sign them separately")
        for run, why in runs
        if run != best
    ]
    return SignableDays(best, tuple(others), zone)


def _local_day(moment: dt.datetime, zone: ZoneInfo) -> dt.date:
    try:
        return moment.replace(tzinfo=dt.UTC).astimezone(zone).date()
    except OverflowError:
        return moment.date()


def _start(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return the start of *day* of *zone* in UTC."""
    try:
        return naive_utc(dt.datetime.combine(day, dt.time(), zone))
    except OverflowError:
        return dt.datetime.combine(day, dt.time())
