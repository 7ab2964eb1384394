"""The scope of a pack: its filter with absolute times, and a description of it.

A relative range such as `7d` becomes absolute: the same query later selects the same events.
"""

import datetime as dt
import re
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from trail.core.clock import naive_utc, utc_text
from trail.storage import cursors, search_time
from trail.storage.engine import Engine
from trail.storage.filters import FACETS, Filter, Window

ADDRESS = "/export.evidence.zip"


@dataclass(frozen=True, slots=True)
class Period:
    """A filter with absolute ends, oldest events first, and its window (UTC, without zone)."""

    filter: Filter
    window: Window

    @property
    def filtered(self) -> bool:
        """Return whether it excludes events within its window."""
        return bool(self.filter.choices or self.filter.q)

    def overlaps(self, day: dt.date | None) -> bool:
        """Return whether the UTC *day* overlaps the window; False for None."""
        if day is None:
            return False
        first = dt.datetime.combine(day, dt.time())
        start, end = self.window.start, self.window.end
        return (not end or first < end) and (not start or first + dt.timedelta(days=1) > start)

    def description(self) -> str:
        """Return the selection in words; values from events and people are quoted."""
        start, end = self._local(self.window.start), self._local(self.window.end)
        if start and end:
            span = f"from {start} to {end} (exclusive)"
        elif start or end:
            span = f"from {start}" if start else f"before {end}"
        else:
            span = "without a time limit"
        text = f"{'Events' if self.filtered else 'All events'} {span}, {self.filter.tz}"
        return f"{text}; {' and '.join(self._conditions())}" if self.filtered else text

    def file_name(self) -> str:
        """Return the file name of the pack, with its first and last day in its zone."""
        start, end = self.window.start, self.window.end
        last = end - dt.timedelta(microseconds=1) if end else None
        first_day, last_day = (self._local(at)[:10] or "open" for at in (start, last))
        zone = re.sub(r"[^A-Za-z0-9_+-]", "-", self.filter.tz)
        return f"evidence_{first_day}_{last_day}_{zone}.zip"

    def covered_until(self, engine: Engine, now: dt.datetime) -> dt.datetime | None:
        """Return the end (UTC) of the coverage section: the window's end if before *now* (aware).

        Otherwise when the newest record arrived, so that it depends on the data and not on the
        clock; None without records.
        """
        end, arrived = self.window.end, cursors.kept(engine)
        if end and end <= naive_utc(now):
            return end
        return min(end, arrived) if end and arrived else arrived

    def _conditions(self) -> list[str]:
        conditions = []
        for name in FACETS:
            choice = self.filter.choice(name)
            for values, verb in ((choice.include, "is"), (choice.exclude, "is not")):
                if values:
                    listed = " or ".join(f"“{value}”" for value in values)
                    conditions.append(f"{name.replace('_', ' ')} {verb} {listed}")
        return [*conditions, *(f"search matches “{text}”" for text in self.filter.q)]

    def _local(self, at: dt.datetime | None) -> str:
        if at is None:
            return ""
        local = at.replace(tzinfo=dt.UTC).astimezone(self.filter.zone)
        return local.replace(tzinfo=None).isoformat(sep=" ")


def resolve(filter_: Filter, now: dt.datetime) -> Period:
    """Return the period that *filter_* selects at *now* (aware), its ends absolute."""
    window = filter_.window(now)
    start, end = (utc_text(at) if at else "" for at in (window.start, window.end))
    q = search_time.absolute(filter_.q, filter_, now)
    return Period(replace(filter_, start=start, end=end, q=q, sort="oldest"), window)


def address_of_signed(number: int) -> str:
    """Return the URL of the pack of the sign-off with that number."""
    return f"{ADDRESS}?sign_off={number}"


def address(filter_: Filter) -> str:
    """Return the URL of the pack of *filter_*."""
    return f"{ADDRESS}?{urlencode(filter_.pairs())}"
