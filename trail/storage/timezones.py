"""Local time in SQL without a calendar: a zone is a few constant offsets within any window.

Asking the database's calendar for each row costs more than the rest of an export.
"""

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from trail.core.clock import shifted
from trail.storage.filters import Window

_STEP = dt.timedelta(days=7)


def offsets(zone: ZoneInfo, start: dt.datetime, end: dt.datetime) -> list[tuple[dt.datetime, int]]:
    """Return (from when, seconds east of UTC) in time order; the first holds from *start*.

    *start* and *end* are UTC without zone. Changes are found to the minute.
    """
    result = [(start, _offset(zone, start))]
    for low, high in _steps(start, end):
        before, after = _offset(zone, low), _offset(zone, high)
        if before == after:
            continue
        while high - low > dt.timedelta(minutes=1):
            middle = low + (high - low) / 2
            middle = middle.replace(second=0, microsecond=0)
            if middle <= low:
                break
            low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
        result.append((high.replace(second=0, microsecond=0), after))
    return result


def local(column: str, zone: ZoneInfo, window: Window) -> str:
    """Return SQL for *column* (UTC) as the clock of *zone* shows it; *window* has both ends."""
    assert window.start and window.end
    known = offsets(zone, window.start, window.end)
    values = [f"to_seconds({seconds})" for _, seconds in known]
    branches = [
        f"when {column} < timestamp '{known[number + 1][0]}' then {value}"
        for number, value in enumerate(values[:-1])
    ]
    shift = f"(case {' '.join(branches)} else {values[-1]} end)" if branches else values[0]
    return f"({column} + {shift})"


def suffix(zone: ZoneInfo, seconds: int) -> str:
    """Return the ISO 8601 offset of *seconds* east of UTC (`+01:00`); `Z` in the zone UTC."""
    if zone.key == "UTC":
        return "Z"
    sign = "-" if seconds < 0 else "+"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{sign}{hours:02d}:{minutes:02d}"


def _steps(start: dt.datetime, end: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    while start < end:
        step = min(shifted(start, _STEP), end)
        yield start, step
        start = step


def _offset(zone: ZoneInfo, moment: dt.datetime) -> int:
    delta = moment.replace(tzinfo=dt.UTC).astimezone(zone).utcoffset()
    assert delta is not None
    return int(delta.total_seconds())
