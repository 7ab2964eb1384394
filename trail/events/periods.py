"""Compare a window with an earlier one at the same phase: the same weekdays, the same hours.

What a window shows and what is compared differ: its last hour or day is usually not over, and what
arrived last ends what is known. Only complete hours or days are compared, with the same ones of the
period before, and only where that period was collected. Days and hours are those of the filter's
zone; windows are UTC without zone.
"""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from zoneinfo import ZoneInfo

from trail.core import time_labels
from trail.core.clock import naive_utc, utc_text
from trail.core.text import percent
from trail.events import coverage, covered, timeline
from trail.events.covered import Covered
from trail.events.timeline import Bar
from trail.storage.engine import Engine
from trail.storage.filters import NO, Filter, Window

By = Literal["week", "day"]
BY: tuple[By, ...] = ("week", "day")

# Below this number of events a percentage says more than they do: the difference is shown.
MIN_PERCENT = 20
_HOUR, _DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
# Longer windows from the start of a day consist of days: one more than a day of 25 hours.
_ONE_DAY = dt.timedelta(hours=27)
# Shorter windows are compared as they are, up to this minute.
_MIN_HOURS = dt.timedelta(hours=3)
# What ends this shortly before the end of an hour or day is taken to be all of it: a poll is not
# late yet, and a file that ends with a day need not have an event in its last minute.
_PATIENCE = {_HOUR: coverage.LATE_AFTER, _DAY: coverage.LATE_AFTER_WITH_DAYS}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What of a window is compared with what.

    `current` are the complete hours or days (`grain`) of `shown`, `before` the same ones of an
    earlier period, so many `days` before; both None if nothing is complete. `running` is what
    follows `current` within the window: it is not over, or not collected yet. `basis` names the
    earlier period ("same weekdays a week earlier"). `reason` says why there is nothing to compare
    with, else it is empty. Only windows that are `short` may be compared with the day before.
    """

    shown: Window
    grain: dt.timedelta
    current: Window | None
    before: Window | None
    running: Window | None
    basis: str
    reason: str = ""
    days: int = 0
    short: bool = False

    @property
    def ago(self) -> str:
        """Return how much earlier the earlier period is: `a week earlier`, or `the day before`."""
        return _ago(self.days)

    def earlier(self, bar: Bar, zone: ZoneInfo) -> Window | None:
        """Return the span of the earlier period at the phase of *bar*, or None.

        That is None where nothing is compared: in a bar that is not over, and without an earlier
        period that was collected.
        """
        if self.reason or not self.current or not self.current.start or not self.current.end:
            return None
        if bar.start < self.current.start or bar.end > self.current.end:
            return None
        return Window(_earlier(bar.start, self.days, zone), _earlier(bar.end, self.days, zone))

    def change(self, now: int, before: int, minimum: int = MIN_PERCENT) -> "Change":
        """Return the change from *before* to *now*, the numbers of `before` and `current`."""
        return Change(now, before, minimum, self.reason)


@dataclass(frozen=True, slots=True)
class Change:
    """A number and the one of the earlier period; `reason` says why they are not compared."""

    now: int
    before: int
    minimum: int = MIN_PERCENT
    reason: str = ""

    @property
    def text(self) -> str:
        """Return the change: `+6 %`, `±0`, `+2` for few events, `new`, or `–` with a reason."""
        difference = self.now - self.before
        if self.reason:
            return "–"
        if not difference:
            return "±0"
        if not self.before:
            return "new"
        if self.before < self.minimum:
            return _signed(difference)
        share = round(100 * difference / self.before)
        return f"{'+' if share > 0 else '−'}{percent(abs(share) / 100)}" if share else "±0 %"

    @property
    def direction(self) -> int:
        """Return 1 if more, -1 if less, 0 if equal or not compared."""
        if self.reason or self.now == self.before:
            return 0
        return 1 if self.now > self.before else -1


def compared(engine: Engine, filter_: Filter, now: dt.datetime, by: By = "week") -> Comparison:
    """Return what of the window of *filter_* is compared with what, at *now* (aware).

    Windows of up to a day are compared with the day before if *by* says so, else with the same
    hours a week earlier; longer ones with the same weekdays of as many whole weeks earlier.
    """
    zone = filter_.zone
    shown = timeline.bounded(engine, filter_.window(now), now)
    assert shown.start and shown.end
    grain = _grain(shown, zone)
    known = coverage.known_until(engine, naive_utc(now), filter_.choice("workspace")) or shown.start
    known += _PATIENCE.get(grain, dt.timedelta())
    end = _floor(min(shown.end, naive_utc(now), known), grain, zone)
    start = _ceiling(shown.start, grain, zone)
    if start >= end:
        reason = f"No complete {'day' if grain == _DAY else 'hour'} in this window yet"
        running = Window(shown.start, shown.end) if shown.start < shown.end else None
        return Comparison(shown, grain, None, None, running, "", reason)
    is_short = _earlier(end, 1, zone) <= start
    days = (
        1 if by == "day" and is_short else 7 * math.ceil(_calendar_days(start, shown.end, zone) / 7)
    )
    before = Window(_earlier(start, days, zone), _earlier(end, days, zone))
    return Comparison(
        shown,
        grain,
        Window(start, end),
        before,
        Window(end, shown.end) if end < shown.end else None,
        _basis(days, start, end, grain),
        _not_covered(engine, before, filter_, now)
        or _not_collected(
            covered.covered(
                engine, Window(start, end), naive_utc(now), zone, filter_.choice("workspace")
            ),
            Window(start, end),
            "this window",
        ),
        days,
        is_short,
    )


def narrowed(filter_: Filter, window: Window | None) -> Filter:
    """Return *filter_* for *window*, for a number that is compared.

    Events that are dated in the future are not compared, unless the filter asks for them.
    """
    if window is None or window.start is None or window.end is None:
        result = replace(filter_, start="0d", end="0d")
    else:
        result = replace(filter_, start=utc_text(window.start), end=utc_text(window.end))
    return result if filter_.choice("future_dated") else result.put("future_dated", NO, "include")


def earlier_counts(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    comparison: Comparison,
    bars: Sequence[Bar],
    grain: dt.timedelta,
) -> list[int | None]:
    """Return for each of *bars* of *grain* the events of *filter_* at its phase, earlier.

    None for a bar that is not compared; an empty list where nothing is compared.
    """
    if comparison.reason or not comparison.before:
        return []
    before = timeline.histogram(engine, narrowed(filter_, comparison.before), now, grain)
    counts = {bar.start: bar.count for bar in before.bars}
    spans = [comparison.earlier(bar, filter_.zone) for bar in bars]
    return [counts.get(span.start, 0) if span and span.start else None for span in spans]


def _grain(shown: Window, zone: ZoneInfo) -> dt.timedelta:
    assert shown.start and shown.end
    length = shown.end - shown.start
    if length < _MIN_HOURS:
        return dt.timedelta(minutes=1)
    whole_days = _floor(shown.start, _DAY, zone) == shown.start
    return _DAY if (whole_days and length > _ONE_DAY) or _is_whole_day(shown, zone) else _HOUR


def _is_whole_day(shown: Window, zone: ZoneInfo) -> bool:
    """Return whether *shown* is one calendar day that is over, such as yesterday."""
    assert shown.start and shown.end
    return all(_floor(at, _DAY, zone) == at for at in (shown.start, shown.end))


def _calendar_days(start: dt.datetime, end: dt.datetime, zone: ZoneInfo) -> float:
    """Return the days between two times by the calendar, also 7 if one of them has 25 hours."""
    first, last = (
        at.replace(tzinfo=dt.UTC).astimezone(zone).replace(tzinfo=None) for at in (start, end)
    )
    return (last - first) / _DAY


def _floor(at: dt.datetime, grain: dt.timedelta, zone: ZoneInfo) -> dt.datetime:
    """Return the start of the local day, hour or minute that contains *at*."""
    local = at.replace(tzinfo=dt.UTC).astimezone(zone)
    if grain == _DAY:
        return _utc(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0))
    into = dt.timedelta(
        minutes=local.minute if grain == _HOUR else 0,
        seconds=local.second,
        microseconds=local.microsecond,
    )
    return at - into


def _ceiling(at: dt.datetime, grain: dt.timedelta, zone: ZoneInfo) -> dt.datetime:
    start = _floor(at, grain, zone)
    if start == at:
        return at
    if grain != _DAY:
        return start + grain
    # A day and a half later is within the next day, also where a day has 25 hours.
    return _floor(start + _DAY * 1.5, grain, zone)


def _earlier(at: dt.datetime, days: int, zone: ZoneInfo) -> dt.datetime:
    """Return the same time of day so many *days* earlier on the calendar of *zone*."""
    local = at.replace(tzinfo=dt.UTC).astimezone(zone)
    return _utc(local - days * _DAY)


def _utc(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC).replace(tzinfo=None)


def _basis(days: int, start: dt.datetime, end: dt.datetime, grain: dt.timedelta) -> str:
    what = "same hours"
    if grain == _DAY:
        what = "same weekday" if end - start <= _ONE_DAY else "same weekdays"
    if days == 1 and grain == _DAY:
        return _ago(days)
    return f"{what} {_ago(days)}"


def _ago(days: int) -> str:
    if days == 1:
        return "the day before"
    weeks = days // 7
    return f"{'a week' if weeks == 1 else f'{weeks} weeks'} earlier"


def _not_covered(engine: Engine, before: Window, filter_: Filter, now: dt.datetime) -> str:
    """Return why *before* is not comparable: earlier than the events, or not collected."""
    assert before.start and before.end
    zone = filter_.zone
    known = covered.covered(engine, before, naive_utc(now), zone, filter_.choice("workspace"))
    if known.oldest is None or known.begins is None:
        return "No events yet"
    if before.start < known.begins:
        return f"No events before {time_labels.day(_local_date(known.oldest, zone), now, zone)}"
    return _not_collected(known, before, "the earlier period")


def _not_collected(known: Covered, window: Window, name: str) -> str:
    """Return how much of *window* was not collected, if that is too much to compare it."""
    assert window.start and window.end
    missing = known.missing(window.start, window.end)
    if missing <= covered.MAX_GAP_SHARE * (window.end - window.start):
        return ""
    hours = max(round(missing / _HOUR), 1)
    return f"{hours:,} hour{'' if hours == 1 else 's'} of {name} not collected"


def _local_date(at: dt.datetime, zone: ZoneInfo) -> dt.date:
    return at.replace(tzinfo=dt.UTC).astimezone(zone).date()


def _signed(number: int) -> str:
    return f"{'+' if number > 0 else '−'}{abs(number):,}"
