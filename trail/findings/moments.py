"""Times in stored sentences: UTC as marks, which each reader sees in their own zone.

A mark is `⟨on 2026-11-24T16:20:00/2026-11-24T16:44:10⟩`: a form, and the first and last time.
"""

import datetime as dt
import re
from zoneinfo import ZoneInfo

from trail.core import time_labels

_MARK = re.compile(r"⟨(on|at|since) ([0-9T:.-]{10,26})/([0-9T:.-]{10,26})⟩")
_RECENT = dt.timedelta(days=6)


def on(first: str, last: str) -> str:
    """Return the mark of days: "on Tuesday", "on Tue 3 Nov", "from Mon 2 to Tue 3 Nov".

    Times are UTC in ISO format without a zone.
    """
    return f"⟨on {first}/{last}⟩"


def at(first: str, last: str = "") -> str:
    """Return the mark of times: "on Tuesday at 02:10", "on Tue 3 Nov from 02:10 to 02:44"."""
    return f"⟨at {first}/{last or first}⟩"


def since(when: str) -> str:
    """Return the mark of a beginning: "since Tuesday 02:10", "since Tue 3 Nov 02:10"."""
    return f"⟨since {when}/{when}⟩"


def in_zone(text: str, zone: ZoneInfo, now: dt.datetime | None, *, weekdays: bool = False) -> str:
    """Return *text* with its marks as times in *zone*.

    Days are dates: with *weekdays*, for a page that shows the date nearby, those within a week
    before *now* (aware) are weekdays. Without *now*, for what is kept, all have the year.
    """
    return _MARK.sub(lambda mark: _label(mark, zone, now, weekdays=weekdays), text)


def _label(mark: re.Match[str], zone: ZoneInfo, now: dt.datetime | None, *, weekdays: bool) -> str:
    try:
        first, last = (
            dt.datetime.fromisoformat(mark[number]).replace(tzinfo=dt.UTC).astimezone(zone)
            for number in (2, 3)
        )
    except (ValueError, OverflowError):  # text that only looks like a mark
        return mark[0]
    days = [_day(at, now, zone, weekdays=weekdays) for at in (first, last)]
    clocks = [f"{at:%H:%M}" for at in (first, last)]
    if mark[1] == "since":
        return f"since {days[0]} {clocks[0]}"
    if first.date() != last.date():
        if mark[1] == "at":
            days = [f"{day} {clock}" for day, clock in zip(days, clocks, strict=True)]
        return f"from {days[0]} to {days[1]}"
    day = f"on {days[0]}"
    if mark[1] == "at":
        start, end = clocks
        return f"{day} at {start}" if start == end else f"{day} from {start} to {end}"
    return day


def _day(local: dt.datetime, now: dt.datetime | None, zone: ZoneInfo, *, weekdays: bool) -> str:
    if now is None:
        return time_labels.full_day(local.date())
    if weekdays and dt.timedelta(0) <= now.astimezone(zone).date() - local.date() <= _RECENT:
        return f"{local:%A}"
    return time_labels.day(local.date(), now, zone)
