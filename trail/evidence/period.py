"""What a pack is about: the filter, fixed in time so that asking again chooses the same, in words.

Separate because `7d` means another week tomorrow: what is handed out names its moments.
"""

import datetime as dt
import re
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from trail import marks
from trail.filters import FACETS, Filter, Window
from trail.store import Engine

ADDRESS = "/export.evidence.zip"

_NAMES = {name: name.replace("_", " ") for name in FACETS}


@dataclass(frozen=True, slots=True)
class Period:
    """A filter whose ends are moments, oldest events first, and its window (UTC, without zone)."""

    filter: Filter
    window: Window

    @property
    def narrowed(self) -> bool:
        """Return whether it leaves out events of its time."""
        return bool(self.filter.choices or self.filter.q)

    def touches(self, day: dt.date | None) -> bool:
        """Return whether a moment of the UTC *day* is in it; not for no day."""
        if day is None:
            return False
        first = dt.datetime.combine(day, dt.time())
        start, end = self.window.start, self.window.end
        return (not end or first < end) and (not start or first + dt.timedelta(days=1) > start)

    def words(self) -> str:
        """Return in words what it chooses; what an event or a person wrote stands in quotes."""
        start, end = (self._moment(each) for each in (self.window.start, self.window.end))
        ends = {
            (True, True): f"from {start} until just before {end}",
            (True, False): f"from {start} on",
            (False, True): f"until just before {end}",
            (False, False): "of all time",
        }[bool(start), bool(end)]
        said = f"{'Events' if self.narrowed else 'All events'} {ends} ({self.filter.tz})"
        return f"{said}, {' and '.join(self._parts())}" if self.narrowed else said

    def file_name(self) -> str:
        """Return the name of the pack: the days that it begins and ends with, in its zone."""
        start, end = self.window.start, self.window.end
        last = end - dt.timedelta(microseconds=1) if end else None
        first_day, last_day = (self._moment(each)[:10] or "open" for each in (start, last))
        zone = re.sub(r"[^A-Za-z0-9_+-]", "-", self.filter.tz)
        return f"evidence_{first_day}_{last_day}_{zone}.zip"

    def told_until(self, engine: Engine, now: dt.datetime) -> dt.datetime | None:
        """Return up to when coverage is told (UTC): the end, where that is over at *now* (aware).

        Else up to when the newest record came, so that it is of the data and not of the clock; None
        where none has.
        """
        end, kept = self.window.end, marks.kept(engine)
        if end and end <= now.astimezone(dt.UTC).replace(tzinfo=None):
            return end
        return min(end, kept) if end and kept else kept

    def _parts(self) -> list[str]:
        parts = []
        for name in FACETS:
            choice = self.filter.choice(name)
            for values, word in ((choice.include, "is"), (choice.exclude, "is not")):
                if values:
                    listed = " or ".join(f"“{value}”" for value in values)
                    parts.append(f"{_NAMES[name]} {word} {listed}")
        return [*parts, *(f"searched for “{text}”" for text in self.filter.q)]

    def _moment(self, at: dt.datetime | None) -> str:
        if at is None:
            return ""
        local = at.replace(tzinfo=dt.UTC).astimezone(self.filter.zone)
        return local.replace(tzinfo=None).isoformat(sep=" ")


def fixed(filter_: Filter, now: dt.datetime) -> Period:
    """Return *filter_* as it chooses at *now* (aware), its moments written out."""
    window = filter_.window(now)
    start, end = (f"{each.isoformat()}Z" if each else "" for each in (window.start, window.end))
    return Period(replace(filter_, start=start, end=end, sort="oldest"), window)


def address(filter_: Filter) -> str:
    """Return the address of the pack of *filter_*."""
    return f"{ADDRESS}?{urlencode(filter_.pairs())}"
