"""`from` and `to` of a filter as people write them; `time_window.typed` reads them again."""

import calendar
import datetime as dt
import re
from zoneinfo import ZoneInfo

from trail.storage import time_expressions


def printed(start: str, end: str, zone: ZoneInfo, week_start: int) -> str:
    """Return `from` and `to` as a person writes them; `typed` reads the same window from it.

    Weeks start on *week_start* (Monday is 0). A range without an end prints as "from … onwards".
    Empty if both are open.
    """
    if not end:
        onwards = bool(start) and not time_expressions.is_relative(start)
        first = _point(start, zone, week_start)
        return f"from {first} onwards" if onwards else first
    if not start:
        last = _point(end, zone, week_start)
        return f"until {last}" if time_expressions.is_relative(end) else f"before {last}"
    if end == "now":
        return f"since {_point(start, zone, week_start)}"
    first, last = (_ago(text) or _point(text, zone, week_start) for text in (start, end))
    day = _whole_day(end)
    # The end is not included; people name the last day that is.
    has_last = day is not None and day > dt.date.min
    last = _day(day - dt.timedelta(days=1)) if day and has_last else last
    return first if has_last and first == last else f"{first} – {last}"


def _ago(text: str) -> str:
    """Return an age at one end of a range, or nothing; whole days stay as they are: `7d`."""
    match = re.match(r"^(\d+)([a-z]+)$", text)
    units = {"m": "minutes", "h": "hours"}
    return (f"{match[1]} {units[match[2]]} ago" if match[2] in units else text) if match else ""


def _point(text: str, zone: ZoneInfo, week_start: int) -> str:
    is_name = not text or time_expressions.is_relative(text)
    return _name(text, week_start) if is_name else _edge(text, zone)


def _name(text: str, week_start: int) -> str:
    """Return a relative time in words: `last 7 days`, `this week`."""
    match = re.match(r"^(\d+)([a-z]+)$", text)
    if text in ("1m", "1h"):
        return "last minute" if text == "1m" else "last hour"
    if match:
        count = int(match[1])
        names = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks", "mo": "months"}
        unit = names.get(match[2], "years")
        # “Last 1 day” would be 24 hours, and nothing lasts 0.
        return f"last {count} {unit}" if count > 1 else text
    for number, suffix in time_expressions.WEEK_STARTS.items():
        if text in (f"this_week{suffix}", f"last_week{suffix}"):
            name = text[:9].replace("_", " ")
            return name if number == week_start else f"{name} from {calendar.day_name[number]}"
    return text.replace("_", " ")


def _edge(text: str, zone: ZoneInfo) -> str:
    """Return an absolute time: `3 Nov 2026`, with its time of day unless a date was written."""
    day = _whole_day(text)
    if day:
        return _day(day)
    moment = dt.datetime.fromisoformat(text)
    offset = ""
    if moment.tzinfo:
        moment = _local(moment, zone)
        if moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset():
            offset = f"{moment:%z}"
            offset = f" {offset[:3]}:{offset[3:5]}"
    clock = f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
    return f"{_day(moment.date())} {clock}{offset}"


def _local(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return *moment* in *zone*; at the ends of the calendar as it is."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%b} {day.year:04d}"


def _whole_day(text: str) -> dt.date | None:
    """Return the day of a date without time, or None."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
