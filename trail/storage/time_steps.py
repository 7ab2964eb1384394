"""Move and widen the range of a filter: one step back or forward, and twice as much around it.

Whole days move by days, whole months by months, as a calendar does; other ranges by their length.
"""

import datetime as dt
import re
from zoneinfo import ZoneInfo

from trail.core.clock import naive_utc, shifted, utc_text
from trail.storage import time_expressions
from trail.storage.time_expressions import add_months

_DAY = dt.timedelta(days=1)
_COUNT = re.compile(r"^(\d{1,4})(m|h|d|w|mo|y)$")
# The largest count that a range may have.
_MOST = 99_999
# A step that ends this part of its length before now ends now.
_NEAR = 10

Range = tuple[str, str]


def step(start: str, end: str, zone: ZoneInfo, now: dt.datetime, by: int) -> Range | None:
    """Return `from` and `to` of the range before (*by* -1) or after (1) it at *now* (aware).

    None where there is none: before an open start, after a range that reaches now, and beyond the
    ends of the calendar.
    """
    today, at = now.astimezone(zone).date(), naive_utc(now)
    first, last = time_expressions.window(start, end, zone, now)
    last = last or at
    if first is None or first >= last or (by > 0 and last >= at):
        return None
    days = (not end and time_expressions.period(start, today)) or _whole_days(
        start, first, last, zone, now
    )
    if days:
        return _days(*_moved(*days, by), _week_suffix(start), today)
    length = last - first
    if by > 0 and last - at + length > -length / _NEAR:
        return _ending_now(length, at)
    try:
        return _absolute(first + by * length, last + by * length)
    except OverflowError:
        return None  # the calendar ends


def zoom_out(start: str, end: str, zone: ZoneInfo, now: dt.datetime) -> Range | None:
    """Return the range of twice the length around the same middle, at most until *now* (aware).

    None for a range with an open start.
    """
    count = _COUNT.match(start)
    doubled = max(int(count[1]), 1) * 2 if count else 0
    if count and not end and doubled <= _MOST:
        return f"{doubled}{count[2]}", ""
    today, at = now.astimezone(zone).date(), naive_utc(now)
    first, last = time_expressions.window(start, end, zone, now)
    last = last or at
    if first is None or first >= last:
        return None
    days = _whole_days(start, first, last, zone, now)
    if days:
        length = (days[1] - days[0]).days
        latest = max(today + _DAY, days[1])
        after = min(_shifted_day(days[1], length - length // 2), latest)
        return _days(_shifted_day(after, -2 * length), after, None, today)
    length_s = last - first
    if last >= at - length_s / _NEAR:
        return _ending_now(2 * length_s, at)
    half = length_s / 2
    past = max(last - at + half, dt.timedelta())
    return _absolute(shifted(first, -half - past), shifted(last, half - past))


def _whole_days(
    start: str, first: dt.datetime, last: dt.datetime, zone: ZoneInfo, now: dt.datetime
) -> tuple[dt.date, dt.date] | None:
    """Return the first day and the day after the last of a range of whole days, or until now."""
    begins, ends = (at.replace(tzinfo=dt.UTC).astimezone(zone) for at in (first, last))
    count = _COUNT.match(start)
    if (count and count[2] in "hm") or begins != time_expressions.midnight(begins.date(), zone):
        return None
    if ends == time_expressions.midnight(ends.date(), zone):
        return begins.date(), ends.date()
    return (begins.date(), ends.date() + _DAY) if last == naive_utc(now) else None


def _moved(first: dt.date, after: dt.date, by: int) -> tuple[dt.date, dt.date]:
    """Return a range of days moved by its length, which is in months if it is whole months."""
    months = (after.year - first.year) * 12 + after.month - first.month
    try:
        if first.day == after.day == 1 and months:
            return add_months(first, by * months), add_months(after, by * months)
        return first + by * (after - first), after + by * (after - first)
    except (OverflowError, ValueError):
        return first, after  # the calendar ends


def _days(first: dt.date, after: dt.date, week: str | None, today: dt.date) -> Range:
    """Return whole days under the name of their period, else as dates; *week* names weeks."""
    names = ["today", "yesterday", "this_month", "last_month"]
    names += [] if week is None else [f"this_week{week}", f"last_week{week}"]
    for name in names:
        if time_expressions.period(name, today) == (first, after):
            return name, ""
    if after == today + _DAY and (after - first).days <= _MOST:
        return f"{(after - first).days}d", ""
    return first.isoformat(), after.isoformat()


def _week_suffix(start: str) -> str | None:
    """Return which day starts the weeks of a period (`_sun`), or None if it is not a week."""
    match = re.match(r"^(?:this|last)_week(_\w+)?$", start)
    return (match[1] or "") if match else None


def _ending_now(length: dt.timedelta, at: dt.datetime) -> Range:
    minutes = round(length.total_seconds() / 60)
    if minutes and minutes % 60 == 0 and minutes < 60 * 10_000:
        return f"{minutes // 60}h", ""
    return (f"{minutes}m", "") if 0 < minutes < 10_000 else _absolute(shifted(at, -length), at)


def _absolute(first: dt.datetime, last: dt.datetime) -> Range:
    """Return a range in UTC, to the second and at least one second long."""
    first = first.replace(microsecond=0)
    last = max(last.replace(microsecond=0), first + dt.timedelta(seconds=1))
    return utc_text(first), utc_text(last)


def _shifted_day(day: dt.date, days: int) -> dt.date:
    """Return *day* moved by *days*, at most to the ends of the calendar."""
    try:
        return day + days * _DAY
    except OverflowError:
        return dt.date(1, 1, 2) if days < 0 else dt.date(9999, 12, 30)
