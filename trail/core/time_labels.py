"""UTC times and spans of them as text in a zone: with the date, and the year unless current.

A span that is not within the current year names the year at both ends. What leaves a page, such as
a message, names the zone as well.
"""

import datetime as dt
import math
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from trail.core.clock import utc_offset
from trail.core.text import count

_DAY = dt.timedelta(days=1)
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def short(at: dt.datetime, zone: ZoneInfo, now: dt.datetime, *, seconds: bool = False) -> str:
    """Return a UTC time in *zone*: `Thu 19 Nov 02:10`; with its year if it is not that of *now*."""
    local = _local(at, zone)
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    return f"{_day(local, with_year=_year(now, zone) != local.year)} {clock}"


def day(date: dt.date, now: dt.datetime, zone: ZoneInfo) -> str:
    """Return a day: `Mon 23 Nov`; with its year if it is not that of *now* in *zone*."""
    return _day(date, with_year=date.year != _year(now, zone))


def full_day(date: dt.date) -> str:
    """Return a day with its year, for what is kept: `Mon 23 Nov 2026`."""
    return _day(date, with_year=True)


def span(start: dt.datetime, end: dt.datetime, zone: ZoneInfo, now: dt.datetime) -> str:
    """Return a span of UTC times: `Tue 24 Nov 02:00–02:40`, a day that both share once.

    The midnight that ends this day is its 24:00.
    """
    first, last = _local(start, zone), _local(end, zone)
    if last.time() == dt.time() and last.date() - first.date() == _DAY:
        return f"{short(start, zone, now)}–24:00"
    if last.date() == first.date():
        return f"{short(start, zone, now)}–{last:%H:%M}"
    return _both(first, last, now, zone)


def duration_text(seconds: float) -> str:
    """Return a duration in words, in its largest unit, rounded: "12 minutes", "19 days", "8 s"."""
    for size, name in _UNITS:
        # Rounded up to the next unit if that is nearly full: 59.6 minutes are an hour.
        if seconds >= size * 0.99:
            return count(round(seconds / size), name)
    return f"{seconds:.1f} s" if 0 < seconds < 9.95 else f"{seconds:.0f} s"


def length_text(seconds: float) -> str:
    """Return a duration in its two largest units, short: "4 d 12 h", "6 h 5 min", "15 min"."""
    minutes = round(seconds / 60)
    if not minutes:
        return f"{round(seconds)} s"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (0 if days else minutes, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def at_most_text(seconds: float) -> str:
    """Return whole units that a duration does not exceed: "11 minutes" for 10:23, "90 minutes"."""
    size, name = next((unit for unit in _UNITS if seconds > 2 * unit[0]), _UNITS[-1])
    return count(max(math.ceil(seconds / size), 1), name)


def axis_days(dates: Sequence[dt.date], now: dt.datetime, zone: ZoneInfo) -> list[str]:
    """Return labels of the days *dates*, in order: `Mon 30 Nov`, `Thu 3`, `Tue 1 Dec`.

    The month is named where it is another than before, with the year unless all are current.
    """
    with_years = {date.year for date in dates} != {_year(now, zone)}
    labels = []
    for date, before in zip(dates, [None, *dates], strict=False):
        if before and (before.year, before.month) == (date.year, date.month):
            labels.append(f"{date:%a} {date.day}")
        else:
            labels.append(_day(date, with_year=with_years))
    return labels


def window(start: dt.datetime, end: dt.datetime, zone: ZoneInfo, now: dt.datetime) -> str:
    """Return a span of UTC times: `Tue 17 Nov 00:00 – Mon 23 Nov 14:35, Europe/Oslo (UTC+1)`.

    UTC is named once.
    """
    first, last = _local(start, zone), _local(end, zone)
    return f"{_both(first, last, now, zone)}, {_zone(last, zone)}"


def open_window(
    start: dt.datetime | None, end: dt.datetime | None, zone: ZoneInfo, now: dt.datetime
) -> str:
    """Return a span that may be open at either end: `Until …`, `From … onwards`."""
    if start and end:
        return window(start, end, zone, now)
    at = start or end
    if at is None:
        return "All times"
    text = f"{short(at, zone, now)}, {_zone(_local(at, zone), zone)}"
    return f"Until {text}" if end else f"From {text}, onwards"


def _zone(local: dt.datetime, zone: ZoneInfo) -> str:
    """Return the name of *zone* with its difference to UTC, unless that is the name."""
    offset = utc_offset(local)
    return zone.key if offset == zone.key else f"{zone.key} ({offset})"


def _both(first: dt.datetime, last: dt.datetime, now: dt.datetime, zone: ZoneInfo) -> str:
    with_year = {first.year, last.year} != {_year(now, zone)}
    return " – ".join(f"{_day(at, with_year=with_year)} {at:%H:%M}" for at in (first, last))


def _local(at: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return at.replace(tzinfo=dt.UTC).astimezone(zone)


def _year(now: dt.datetime, zone: ZoneInfo) -> int:
    return now.astimezone(zone).year


def _day(local: dt.date, *, with_year: bool) -> str:
    return f"{local:%a} {local.day} {local:%b}{f' {local.year}' if with_year else ''}"
