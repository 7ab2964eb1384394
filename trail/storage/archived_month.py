"""The parameter `archive=2026-08` of links and requests of earlier versions.

There an archived month was a database of its own. Archived days are now read with all others, and
the parameter limits the window to the month.
"""

import calendar
import datetime as dt
from dataclasses import replace

from trail.core.clock import shifted, utc_text
from trail.core.errors import InputError
from trail.storage.filters import Filter

NAME = "archive"
_DAY = dt.timedelta(days=1)


def limited(filter_: Filter, month: str, now: dt.datetime) -> Filter:
    """Return *filter_* for the part of its window at *now* (aware) that lies in *month* (UTC).

    Without a *month* it is *filter_* itself. Raises `InputError` for one that does not exist.
    """
    if not month:
        return filter_
    try:
        first = dt.datetime.fromisoformat(f"{month}-01")
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    except ValueError:
        raise InputError(
            f"Invalid archive month {month[:20]!r}.", "Use from and to instead, in any month."
        ) from None
    window, end = filter_.window(now), shifted(last, _DAY)
    start = max(window.start or first, first)
    end = min(window.end or end, end)
    return replace(filter_, start=utc_text(start), end=utc_text(max(start, end)))
