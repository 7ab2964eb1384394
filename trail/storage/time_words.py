"""The dates, times of day and ages that people type, as numbers. See `time_window`."""

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from trail.core.errors import FilterError

MONTHS = [name.lower() for name in calendar.month_name]
WEEKDAYS = [name.lower() for name in calendar.day_name]
NUMBERS = {
    word: number
    for number, word in enumerate(
        re.findall(r"\w+", "zero one two three four five six seven eight nine ten eleven twelve")
    )
}
# Word -> unit of `from`; a singular alone ("last hour") is one of them.
UNITS = {
    word: unit
    for unit, words in {
        "m": "m min mins minute minutes",
        "h": "h hr hrs hour hours",
        "d": "d day days",
        "w": "w wk wks week weeks",
        "mo": "mo mos month months",
        "y": "y yr yrs year years",
    }.items()
    for word in words.split()
}

# Numbers for quarters in place of a month.
FIRST_QUARTER = 101

_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS[1:]) + "|sept"
_WEEKDAY = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in WEEKDAYS) + "|tues|thur|thurs"
_YEAR = r"(?P<y>\d{4})"
_DATES = [
    re.compile(rf"^{pattern}$")
    for pattern in (
        rf"{_YEAR}-(?P<m>\d\d)-(?P<d>\d\d)",
        rf"{_YEAR}/(?P<m>\d\d?)/(?P<d>\d\d?)",
        rf"(?P<d>\d\d?)\.\s?(?P<m>\d\d?)\.(?:\s?{_YEAR})?",
        rf"(?P<d>\d\d?)[ -]?(?P<month>{_MONTH})(?:[ -]{_YEAR})?",
        rf"(?P<month>{_MONTH})[ -]?(?P<d>\d\d?)(?: {_YEAR})?",
        rf"(?P<month>{_MONTH})(?: {_YEAR})?",
        rf"{_YEAR}-(?P<m>\d\d)",
        r"(?P<y>(?:19|20)\d\d)",
        r"(?P<d>\d\d?)",
    )
]
_SLASHES = re.compile(r"^(\d\d?)/(\d\d?)(?:/(\d{4}))?$")
_NAMED_DAY = re.compile(rf"^(?P<day>{_WEEKDAY})(?: (?P<rest>.+))?$")
_CLOCK = (
    r"(?:(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?(?: ?(?P<half>[ap]m))?"
    r"|(?P<hour2>\d\d?) ?(?P<half2>[ap]m)|(?P<word>noon|midnight))"
    r"(?: ?(?P<offset>z|utc|gmt|[+-]\d\d:\d\d))?"
)
_LAST_TIME = re.compile(rf"^(?:(?P<rest>.*?) )??(?:at )?{_CLOCK}$")
_FIRST_TIME = re.compile(rf"^(?:at )?{_CLOCK} (?P<rest>.+)$")


@dataclass(frozen=True, slots=True)
class Date:
    """A day, month, quarter or year, as far as it is written; a part that is 0 is not."""

    year: int = 0
    month: int = 0
    day: int = 0

    @property
    def is_day_number(self) -> bool:
        """Return whether only the day is written, as in `3 - 10 nov`."""
        return bool(self.day and not self.month)


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day; `days` is 1 for 24:00; `offset` is minutes east of UTC, None for local."""

    time: dt.time
    days: int = 0
    offset: int | None = None


def split_clock(text: str) -> tuple[str, Clock | None]:
    """Return *text* without its time of day, and that time if it has one.

    Raises `FilterError` for a time such as 25:00.
    """
    match = _LAST_TIME.match(text) or _FIRST_TIME.match(text)
    if not match:
        return text, None
    return (match["rest"] or "").strip(), _clock(match, text)


def date(text: str) -> Date | None:
    """Return the date that *text* writes without a weekday, or None.

    Raises `FilterError` for one that could mean two days, such as 3/11, and for a 0.
    """
    slashes = _SLASHES.match(text)
    if slashes:
        return _unambiguous(int(slashes[1]), int(slashes[2]), int(slashes[3] or 0))
    for pattern in _DATES:
        match = pattern.match(text)
        if match:
            parts = match.groupdict()
            if any(parts.get(name) and not int(parts[name]) for name in "ymd"):
                raise FilterError(f"There is no date {text}.", "Days, months and years start at 1.")
            month = parts.get("month")
            number = month_number(month) if month else int(parts.get("m") or 0)
            return Date(int(parts.get("y") or 0), number, int(parts.get("d") or 0))
    return None


def weekday(text: str) -> tuple[int, str] | None:
    """Return the weekday (Monday is 0) that *text* starts with, and the rest of it; or None."""
    match = _NAMED_DAY.match(text)
    if not match:
        return None
    return [name[:3] for name in WEEKDAYS].index(match["day"][:3]), match["rest"] or ""


def month_number(name: str) -> int:
    """Return the number of the month *name*, or of its first three letters."""
    return [month[:3] for month in MONTHS].index(name[:3])


def number(word: str) -> int | None:
    """Return the number that *word* writes in digits or letters, or None."""
    if word in ("a", "an"):
        return 1
    return int(word) if re.fullmatch(r"[0-9]{1,5}", word) else NUMBERS.get(word)


def _clock(match: re.Match[str], text: str) -> Clock:
    word, half = match["word"], match["half"] or match["half2"]
    hour = {"noon": 12, "midnight": 0}[word] if word else int(match["hour"] or match["hour2"])
    minute, second = int(match["minute"] or 0), int(match["second"] or 0)
    if half:
        if not 1 <= hour <= 12:
            raise FilterError(f"{text!r} has no such time.", "Write 2pm or 14:00.")
        hour = hour % 12 + (12 if half == "pm" else 0)
    days = 0
    if (hour, minute, second) == (24, 0, 0):
        hour, days = 0, 1
    try:
        return Clock(dt.time(hour, minute, second), days, _offset(match["offset"]))
    except ValueError:
        raise FilterError(f"{text!r} has no such time.", "Write 14:00, or 2pm.") from None


def _offset(text: str | None) -> int | None:
    if not text:
        return None
    if text[0] not in "+-":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    if minutes >= 24 * 60:
        raise ValueError(text)
    return -minutes if text[0] == "-" else minutes


def _unambiguous(first: int, second: int, year: int) -> Date | None:
    if first == second or first > 12:
        return Date(year, second, first)
    if second > 12:
        return Date(year, first, second)
    raise FilterError(
        "The date could mean two days: month and day are not told apart.",
        f"Write {first} {calendar.month_abbr[second]} or {second} {calendar.month_abbr[first]}.",
    )
