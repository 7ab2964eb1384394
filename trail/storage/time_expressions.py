"""The values of `from` and `to` in a filter: their grammar, and the moments that they mean.

    2026-11-23  2026-11-23T14:30  2026-11-23T14:30Z     a moment; a date is its first moment
    15m 24h 7d 2w 3mo 1y                                so long ago, see `window`
    today yesterday this_week last_month …              a period of the calendar
    now                                                 the present moment

Days are those of the filter's zone, also where they have 23 or 25 hours.
"""

import datetime as dt
import re
from zoneinfo import ZoneInfo

from trail.core.clock import utc_text
from trail.core.errors import FilterError

MONDAY, SATURDAY, SUNDAY = 0, 5, 6

# Weeks start on Monday, as in ISO 8601, unless the name says otherwise.
WEEK_STARTS = {MONDAY: "", SUNDAY: "_sun", SATURDAY: "_sat"}

EXAMPLES = "2026-11-23, 2026-11-23T14:30, 2026-11-23T14:30Z, 7d, 24h, today or last_week"

HELP = (
    "A date such as `2026-11-23` is its first moment, also as `to`; `2026-11-23T14:30` is a time "
    "in the zone `tz`, `2026-11-23T14:30Z` in UTC. `15m`, `24h`, `7d`, `2w`, `3mo` and `1y` are so "
    "many minutes, hours, days, weeks, months or years back: from `24h` on from the start of that "
    "hour, from days on in whole calendar days, today included. `today`, `yesterday`, and `this_` "
    "or `last_` with `week`, `month`, `quarter` or `year`, are periods of the calendar: as `from` "
    "alone the whole period, as `to` its end, and at most until now. Weeks start on Monday, those "
    "of `this_week_sun` and `this_week_sat` on "
    "Sunday and Saturday. `now` is the present moment."
)

_SO_LONG_AGO = re.compile(r"^(\d{1,5})(m|h|d|w|mo|y)$")
_PERIOD = re.compile(
    r"^(?:today|yesterday|(?P<which>this|last)_(?:week(?P<first>|_sun|_sat)|month|quarter|year))$"
)
# A day from the ends of the calendar, so that every zone can show them and their neighbors.
_FIRST = dt.datetime(1, 1, 2)  # noqa: DTZ001 - stored times bear no zone; all are UTC
_LAST = dt.datetime(9999, 12, 30)  # noqa: DTZ001
_DAY = dt.timedelta(days=1)
# From so many hours on, a range begins with a whole hour, so that it has whole bars to compare.
_WHOLE_HOURS = 24


def is_relative(text: str) -> bool:
    """Return whether the moment that *text* means depends on the current time."""
    return text == "now" or bool(_SO_LONG_AGO.match(text) or _PERIOD.match(text))


def window(
    start: str, end: str, zone: ZoneInfo, now: dt.datetime
) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return the span (UTC, without zone) from *start* to *end* at *now* (aware); None is open.

    `24h` is so many hours back, and from a day on begins with that hour; `7d` is so many calendar
    days, today among them, as a reader counts days; `0d` is nothing. Without an end, such a range
    ends now, and a period is meant as a whole: `last_week` is seven days. As an end, a period means
    its own end. A period that is still running
    ends now. Raises `FilterError`.
    """
    first, last = _edge(start, zone, now), _edge(end, zone, now, is_end=True)
    if first and not end and is_relative(start):
        last = _edge(start, zone, now, is_end=True) if _PERIOD.match(start) else _utc(now)
        last = max(first, last) if last else None
    return first, last


def period(name: str, today: dt.date) -> tuple[dt.date, dt.date] | None:
    """Return the first day of the period *name* and the day after its last; None if not a period.

    Raises `OverflowError` or `ValueError` where the calendar ends.
    """
    match = _PERIOD.match(name)
    if not match:
        return None
    if name == "today":
        return today, today + _DAY
    if name == "yesterday":
        return today - _DAY, today
    last = match["which"] == "last"
    if match["first"] is not None:
        starts = {suffix: number for number, suffix in WEEK_STARTS.items()}[match["first"]]
        first = today - dt.timedelta(days=(today.weekday() - starts) % 7 + (7 if last else 0))
        return first, first + dt.timedelta(days=7)
    months = {"month": 1, "quarter": 3, "year": 12}[name.partition("_")[2]]
    first = today.replace(day=1)
    first = add_months(first, -((first.month - 1) % months) - (months if last else 0))
    return first, add_months(first, months)


def pinned(text: str, zone: ZoneInfo) -> str:
    """Return a time of day in *zone* in UTC, so that it stays where another zone is selected.

    Days and relative times are those of the reader's zone, and stay as they are.
    """
    if "T" not in text or is_relative(text):
        return text
    moment = dt.datetime.fromisoformat(text)
    return text if moment.tzinfo else utc_text(_utc(moment.replace(tzinfo=zone)))


def add_months(day: dt.date, months: int) -> dt.date:
    """Return *day* so many months later, or the last day of a shorter month.

    Raises `ValueError` beyond the years 1 to 9999.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = dt.date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return min(dt.date(year, month + 1, 1) + (day.day - 1) * _DAY, following - _DAY)


def midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return the first moment (aware) of *day* in *zone*."""
    return dt.datetime.combine(day, dt.time(), zone)


def _edge(
    text: str, zone: ZoneInfo, now: dt.datetime, *, is_end: bool = False
) -> dt.datetime | None:
    if not text:
        return None
    if text == "now":
        return _utc(now)
    try:
        span = period(text, now.astimezone(zone).date())
        if span:
            return (
                min(_utc(midnight(span[1], zone)), _utc(now))
                if is_end
                else _utc(midnight(span[0], zone))
            )
        match = _SO_LONG_AGO.match(text)
        if match:
            return _utc(_so_long_ago(int(match[1]), match[2], zone, now))
    except (OverflowError, ValueError):
        return _FIRST
    return _moment(text, zone)


def _so_long_ago(count: int, unit: str, zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    if unit in ("h", "m"):
        start = now - dt.timedelta(minutes=count * (60 if unit == "h" else 1))
        return _hour(start, zone) if unit == "h" and count >= _WHOLE_HOURS else start
    today = now.astimezone(zone).date()
    if unit in ("d", "w"):
        return midnight(today - dt.timedelta(days=count * (7 if unit == "w" else 1) - 1), zone)
    day = add_months(today, -count * (12 if unit == "y" else 1))
    return midnight(day + _DAY, zone)


def _hour(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the start of the hour of *moment* on the clocks of *zone*."""
    past = moment.astimezone(zone)
    return moment - dt.timedelta(
        minutes=past.minute, seconds=past.second, microseconds=past.microsecond
    )


def _moment(text: str, zone: ZoneInfo) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise FilterError(f"Time {text!r} is not understood.", f"Write {EXAMPLES}.") from None
    return _utc(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def _utc(moment: dt.datetime) -> dt.datetime:
    try:
        return min(max(moment.astimezone(dt.UTC).replace(tzinfo=None), _FIRST), _LAST)
    except OverflowError:
        return _FIRST if moment.year < 2000 else _LAST
