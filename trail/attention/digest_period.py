"""The period of a digest: one week from Monday to Sunday, or one day, in a time zone."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from trail.core import time_labels
from trail.core.errors import InputError
from trail.core.zones import zone_names
from trail.storage.filters import Filter, Window

Cadence = Literal["weekly", "daily"]
CADENCES: tuple[Cadence, ...] = ("weekly", "daily")
PATH = "/digest"
# The parameter of the page that names the first day.
PARAMS: dict[Cadence, str] = {"weekly": "week", "daily": "day"}

_DAYS: dict[Cadence, int] = {"weekly": 7, "daily": 1}
# Of two digits more than the oldest event may have, so that a link never leaves the calendar.
_FIRST, _LAST = dt.date(1971, 1, 1), dt.date(2999, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` on, seven from a Monday or one, in the zone named `tz`."""

    cadence: Cadence
    first: dt.date
    tz: str

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone of the days."""
        return ZoneInfo(self.tz)

    @property
    def last(self) -> dt.date:
        """Return the last day."""
        return self.first + dt.timedelta(days=_DAYS[self.cadence] - 1)

    @property
    def noun(self) -> str:
        """Return what the period is: `week` or `day`."""
        return "week" if self.cadence == "weekly" else "day"

    @property
    def title(self) -> str:
        """Return the days with their year: `Mon 16 – Sun 22 Nov 2026`."""
        last = time_labels.full_day(self.last)
        if self.first == self.last:
            return last
        first = f"{self.first:%a} {self.first.day}"
        if (self.first.year, self.first.month) != (self.last.year, self.last.month):
            first += f" {self.first:%b}"
        if self.first.year != self.last.year:
            first += f" {self.first.year}"
        return f"{first} – {last}"

    @property
    def filter(self) -> Filter:
        """Return the filter of all events of the period."""
        end = self.last + dt.timedelta(days=1)
        return Filter(start=self.first.isoformat(), end=end.isoformat(), tz=self.tz)

    @property
    def path(self) -> str:
        """Return the path of the page that shows the digest of the period."""
        names = {PARAMS[self.cadence]: self.first.isoformat(), "tz": self.tz}
        return f"{PATH}?{urlencode(names)}"

    def window(self, now: dt.datetime) -> Window:
        """Return the period in UTC without zone; it may end after *now* (aware)."""
        return self.filter.window(now)

    def shifted(self, number: int) -> "Period":
        """Return the period so many weeks or days later, or earlier if *number* is negative."""
        first = self.first + dt.timedelta(days=number * _DAYS[self.cadence])
        return Period(self.cadence, first, self.tz)


def containing(day: dt.date, cadence: Cadence, tz: str) -> Period:
    """Return the period that contains *day*; weeks begin on Monday.

    Raises `InputError` for an unknown zone and for a day that is not between 1971 and 2998.
    """
    if tz not in zone_names():
        raise InputError(f"Unknown zone {tz[:60]!r}.", "Use a name such as Europe/Oslo.")
    if not _FIRST <= day < _LAST:
        raise InputError(f"No digest of {day}.", "Use a day between 1971 and 2998.")
    back = day.weekday() if cadence == "weekly" else 0
    return Period(cadence, day - dt.timedelta(days=back), tz)


def last_complete(now: dt.datetime, cadence: Cadence, tz: str) -> Period:
    """Return the newest period that has ended at *now* (aware)."""
    return current(now, cadence, tz).shifted(-1)


def current(now: dt.datetime, cadence: Cadence, tz: str) -> Period:
    """Return the period that contains *now* (aware); raises `InputError` for an unknown zone."""
    if tz not in zone_names():
        raise InputError(f"Unknown zone {tz[:60]!r}.", "Use a name such as Europe/Oslo.")
    return containing(now.astimezone(ZoneInfo(tz)).date(), cadence, tz)


def parse(week: str, day: str, tz: str, now: dt.datetime) -> Period:
    """Return the period that contains the date *week* or *day*; without both, the last full week.

    Raises `InputError` for both, for what is no date, and for an unknown zone.
    """
    if week and day:
        raise InputError("A digest is of a week or of a day.", "Use week or day.")
    text = week or day
    if not text:
        return last_complete(now, "weekly", tz)
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        raise InputError(f"Invalid date {text[:40]!r}.", "Use a date such as 2026-11-23.") from None
    return containing(date, "weekly" if week else "daily", tz)
