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


def in_zone(text: str, zone: ZoneInfo, now: dt.datetime | None) -> str:
    """Return *text* with its marks as times in *zone*.

    Days within a week before *now* (aware) are weekdays, earlier ones dates; without *now*, for
    what is kept, all are dates with the year.
    """
    return _MARK.sub(lambda mark: _label(mark, zone, now), text)


def _label(mark: re.Match[str], zone: ZoneInfo, now: dt.datetime | None) -> str:
    try:
        first, last = (
            dt.datetime.fromisoformat(mark[number]).replace(tzinfo=dt.UTC).astimezone(zone)
            for number in (2, 3)
        )
    except (ValueError, OverflowError):  # text that only looks like a mark
        return mark[0]
    if mark[1] == "since":
        return f"since {_clock(first, now, zone)}"
    if first.date() != last.date():
        label = _day if mark[1] == "on" else _clock
        return f"from {label(first, now, zone)} to {label(last, now, zone)}"
    day = f"on {_day(first, now, zone)}"
    if mark[1] == "at":
        start, end = f"{first:%H:%M}", f"{last:%H:%M}"
        return f"{day} at {start}" if start == end else f"{day} from {start} to {end}"
    return day


def _clock(local: dt.datetime, now: dt.datetime | None, zone: ZoneInfo) -> str:
    return f"{_day(local, now, zone)} {local:%H:%M}"


def _day(local: dt.datetime, now: dt.datetime | None, zone: ZoneInfo) -> str:
    if now is None:
        return time_labels.full_day(local.date())
    if dt.timedelta(0) <= now.astimezone(zone).date() - local.date() <= _RECENT:
        return f"{local:%A}"
    return time_labels.day(local.date(), now, zone)
