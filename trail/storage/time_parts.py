"""One time as people type it, as far as it is written. See `time_window`."""

import datetime as dt
import re
from dataclasses import dataclass, replace

from trail.core.clock import utc_text
from trail.core.errors import FilterError
from trail.storage import time_expressions, time_words
from trail.storage.time_expressions import WEEK_STARTS, add_months
from trail.storage.time_words import UNITS, Clock, Date

_DAY = dt.timedelta(days=1)
# What one unit back means without a number: "last hour", "past week".
_ONE = {"m": "1m", "h": "1h", "d": "24h", "w": "7d", "mo": "1mo", "y": "1y"}
_AGO = re.compile(r"(?:(\w+) ?)?([a-z]+) ago")
_LAST = re.compile(r"(?:(last|past|previous) )?(?:([a-z]+|\d+) ?)??([a-z]+)")
_KIBANA = re.compile(r"(?:now ?)?- ?(\d{1,4})([mhdw])")
_QUARTER = re.compile(r"q([1-4])(?: (\d{4}))?")


@dataclass(frozen=True, slots=True)
class Part:
    """A time before it is resolved: a day, or a date as far as it is written; a time of day."""

    name: str = ""
    day: dt.date | None = None
    date: Date | None = None
    clock: Clock | None = None
    weekday: int | None = None

    @property
    def is_clock(self) -> bool:
        """Return whether only a time of day is written."""
        return not (self.name or self.day or self.date or self.weekday is not None)

    def on(self, other: "Part") -> "Part":
        """Return this time of day on the day of *other*."""
        return replace(other, name="", clock=self.clock)


@dataclass(frozen=True, slots=True)
class Parser:
    """Parses for a reader whose weeks start on *week_start* (Monday is 0), on the day *today*."""

    today: dt.date
    week_start: int

    def part(self, words: str) -> Part | None:
        """Return the time that *words* name, or None. Raises `FilterError`."""
        if words == "now":
            return Part(name="now")
        if re.fullmatch(r"\d{10}|\d{13}", words):
            seconds = int(words[:10])
            at = utc_text(dt.datetime.fromtimestamp(seconds, dt.UTC))
            return Part(name=at)
        kibana = _KIBANA.fullmatch(words)
        if kibana:
            count, unit = int(kibana[1]), kibana[2]
            hours = {"d": 24, "w": 168}.get(unit)
            return Part(name=f"{count * hours}h" if hours else f"{count}{unit}")
        named = self._named(words) or self._ago(words) or self._lasting(words)
        if named:
            return named
        rest, clock = time_words.split_clock(words)
        if clock and not rest:
            return Part(clock=clock)
        day = self._day_of(rest)
        return replace(day, name="", clock=clock) if day and clock else day

    def _named(self, words: str) -> Part | None:
        """Return a period of the calendar: today, this week, last quarter."""
        if time_expressions.is_relative(words):
            raw = Part(name=words)
            return (
                replace(raw, day=self.today - (_DAY if words == "yesterday" else dt.timedelta()))
                if words in ("today", "yesterday")
                else raw
            )
        match = re.fullmatch(
            r"(this|current|last|previous)[ _](week|month|quarter|year)(?: from ([a-z]+))?", words
        )
        if not match:
            return None
        which = "this" if match[1] in ("this", "current") else "last"
        suffix = ""
        if match[2] == "week":
            named = time_words.weekday(match[3]) if match[3] else (self.week_start, "")
            if not named or named[0] not in WEEK_STARTS:
                return None
            suffix = WEEK_STARTS[named[0]]
        elif match[3]:
            return None
        return Part(name=f"{which}_{match[2]}{suffix}")

    def _ago(self, words: str) -> Part | None:
        match = _AGO.fullmatch(words)
        unit = UNITS.get(match[2]) if match else None
        count = time_words.number(match[1]) if match and match[1] else None
        if unit is None or count is None:
            return None
        if unit in ("m", "h"):
            return Part(name=f"{count}{unit}")
        try:
            if unit in ("d", "w"):
                return Part(day=self.today - count * (7 if unit == "w" else 1) * _DAY)
            return Part(day=add_months(self.today, -count * (12 if unit == "y" else 1)))
        except (OverflowError, ValueError):
            raise FilterError(f"{words!r} is before the calendar begins.", "Write less.") from None

    def _lasting(self, words: str) -> Part | None:
        """Return a duration up to now: 3 days, last hour, past week."""
        match = _LAST.fullmatch(words)
        unit = UNITS.get(match[3]) if match else None
        if match is None or unit is None:
            quarters = match and match[3] in ("quarter", "quarters") and match[2]
            count = time_words.number(match[2]) if match and quarters else None
            return Part(name=f"{3 * count}mo") if count else None
        if match[2] is None:
            return Part(name=_ONE[unit]) if match[1] else None
        count = time_words.number(match[2])
        if count is None or count > 99_999:
            return None
        if count == 0:
            raise FilterError(f"{words!r} is nothing.", "Write “last 3 days” or “today”.")
        return Part(name=_ONE["d"] if (count, unit) == (1, "d") else f"{count}{unit}")

    def _day_of(self, words: str) -> Part | None:
        """Return a day, or a date as far as it is written."""
        named = self._named(words) or self._ago(words)
        if named and named.day:
            return named
        offset = {"tomorrow": -1, "day before yesterday": 2}.get(words)
        if offset is not None:
            return Part(day=self.today - offset * _DAY)
        quarter = _QUARTER.fullmatch(words)
        if quarter:
            date = Date(int(quarter[2] or 0), time_words.FIRST_QUARTER + int(quarter[1]) - 1)
            return Part(date=date)
        return self._weekday(words) or _date(words)

    def _weekday(self, words: str) -> Part | None:
        """Return the latest day of a weekday; `last monday` is before today."""
        strict = re.match(r"(?:last|previous) ", words)
        bare = words[strict.end() :] if strict else re.sub(r"^this ", "", words)
        weekday = time_words.weekday(bare)
        if not weekday or weekday[1]:
            return None
        back = (self.today.weekday() - weekday[0]) % 7
        return Part(day=self.today - (back or (7 if strict else 0)) * _DAY, weekday=weekday[0])


def _date(words: str) -> Part | None:
    """Return a date, with the weekday before it if there is one."""
    weekday = time_words.weekday(words)
    date = time_words.date(weekday[1] if weekday else words)
    if date:
        return Part(date=date, weekday=weekday[0] if weekday else None)
    try:
        return Part(day=dt.date.fromisoformat(words.upper()))
    except ValueError:
        return None
