"""UTC times and spans of them as text in a zone: with the date, and the year unless current."""

import datetime as dt
from zoneinfo import ZoneInfo

from trail.core.clock import utc_offset


def short(at: dt.datetime, zone: ZoneInfo, now: dt.datetime) -> str:
    """Return a UTC time in *zone*: `Thu 19 Nov 02:10`; with its year if it is not that of *now*."""
    local, current = _local(at, zone), now.astimezone(zone)
    return f"{_day(local, with_year=local.year != current.year)} {local:%H:%M}"


def day(date: dt.date, now: dt.datetime, zone: ZoneInfo) -> str:
    """Return a day: `Mon 23 Nov`; with its year if it is not that of *now* in *zone*."""
    return _day(date, with_year=date.year != now.astimezone(zone).year)


def window(start: dt.datetime, end: dt.datetime, zone: ZoneInfo, now: dt.datetime) -> str:
    """Return a span of UTC times: `Tue 17 Nov 00:00 – Mon 23 Nov 14:35, Europe/Oslo (UTC+1)`."""
    first, last = _local(start, zone), _local(end, zone)
    with_year = {first.year, last.year} != {now.astimezone(zone).year}
    return (
        f"{_day(first, with_year=with_year)} {first:%H:%M} – "
        f"{_day(last, with_year=with_year)} {last:%H:%M}, {zone.key} ({utc_offset(last)})"
    )


def open_window(
    start: dt.datetime | None, end: dt.datetime | None, zone: ZoneInfo, now: dt.datetime
) -> str:
    """Return a span that may be open at either end: `Until …`, `From … onwards`."""
    if start and end:
        return window(start, end, zone, now)
    at = start or end
    if at is None:
        return "All times"
    text = f"{short(at, zone, now)}, {zone.key} ({utc_offset(_local(at, zone))})"
    return f"Until {text}" if end else f"From {text}, onwards"


def _local(at: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return at.replace(tzinfo=dt.UTC).astimezone(zone)


def _day(local: dt.date, *, with_year: bool) -> str:
    return f"{local:%a} {local.day} {local:%b}{f' {local.year}' if with_year else ''}"
