"""Times as people type them, read as `from` and `to` of a filter; `time_text` prints them.

    last 3 days · today · this week · 2 hours ago · since monday · before nov 3 · around 9:00
    nov 3 · 3 nov - 10 nov · october · 2026-11-03 14:00 to 16:00 · yesterday 9am - 11am

A day, month or year is meant as a whole, also at the end of a range; a time of day alone lasts
until now. Without a year, the latest one that is not in the future is meant.
"""

import datetime as dt
import difflib
import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from trail.core.errors import FilterError
from trail.storage import time_expressions, time_words
from trail.storage.time_items import Item, Reader

MAX_CHARS = 200

_HINT = (
    "Write “last 3 days”, “since monday”, “3 nov - 10 nov”, “yesterday 9:00” or "
    "“2026-11-03 14:00 to 16:00”."
)
_SPACED = re.compile(r" (?:to|until|till|through|thru|-|\.\.+) | ?\.\.+ ?")
_KEYWORDS = re.findall(
    r"\w+",
    "today yesterday now last past previous this current since from starting after before until "
    "till up to through between and around about at ago noon midnight onwards quarter quarters",
)
_VOCABULARY = [
    *_KEYWORDS,
    *time_words.MONTHS[1:],
    *time_words.WEEKDAYS,
    *time_words.UNITS,
    *time_words.NUMBERS,
]
_HALF_HOUR = dt.timedelta(minutes=30)
# What ends a time that was copied from a page: `, Europe/Oslo (UTC+1)`, or the zone alone.
_ZONE = re.compile(r",? *\b([A-Za-z]+(?:/[\w+-]+)+|UTC)( +\(UTC[^()]*\))?(?:, onwards)?\s*$")
# Two times of day with a dash between them, unless the second one is the offset of an ISO time.
_CLOCKS = re.compile(r"(?<![t\d:])(\d\d?:\d\d(?::\d\d)?)-(?=\d\d?:\d\d)")
_TO_DATE = re.compile(r"\b(day|week|month|quarter|year)[ -]to[ -]date\b|\b([wmqy])td\b")
_PERIOD_OF = {"w": "week", "m": "month", "q": "quarter", "y": "year"}


def typed(text: str, zone: ZoneInfo, now: dt.datetime, week_start: int) -> tuple[str, str]:
    """Return what *text* means as `from` and `to`, at *now* (aware) for a reader in *zone*.

    What moves with the clock ("last 3 days", "since yesterday") stays relative. Weeks start on
    *week_start* (Monday is 0). Raises `FilterError` with a correction.
    """
    if len(text) > MAX_CHARS:
        raise FilterError(f"The time is too long: {len(text):,} characters.", _HINT)
    reader = Reader(zone, now, week_start)
    words = _normalized(_without_zone(text, zone))
    try:
        result = _read(words, reader) if words else None
    except OverflowError:
        raise FilterError(f"Time {text.strip()!r} is outside of the calendar.", _HINT) from None
    if result is None:
        raise FilterError(f"Time {text.strip()!r} is not understood.", _correction(words, reader))
    start, end = time_expressions.window(*result, zone, now)
    if start and end and start >= end:
        swapped = " - ".join(reversed(re.split(_SPACED, words, maxsplit=1)))
        raise FilterError(
            "The range ends before it starts."
            if start > end
            else "The range is empty: it ends when it starts.",
            f"Write “{swapped}”." if start > end and " - " in swapped else _HINT,
        )
    return result


def _without_zone(text: str, zone: ZoneInfo) -> str:
    """Return *text* without the name of *zone* at its end. Raises `FilterError` for another one."""
    named = _ZONE.search(text)
    is_own = named and named[1] == zone.key and named[1] != "UTC"
    if not named or not (named[2] or is_own):
        return text  # `14:30 UTC` is read as an offset
    if named[1] != zone.key:
        raise FilterError(
            f"The time is one of {named[1]}, the page shows {zone.key}.",
            "Choose that time zone first, or leave its name out.",
        )
    return text[: named.start()]


def _to_date(match: re.Match[str]) -> str:
    period = match[1] or _PERIOD_OF[match[2]]
    return "today" if period == "day" else f"this {period}"


def _normalized(text: str) -> str:
    """Return *text* in lower case with one kind of dash, space and ordinal."""
    text = re.sub(r"[\u2010-\u2012\u2212]", "-", text.lower())
    text = _TO_DATE.sub(_to_date, text)
    text = _CLOCKS.sub(r"\1 - ", text)
    # An interval of ISO 8601.
    text = re.sub(r"(?<=[\dz])/(?=\d{4}-\d\d-\d\d)", " - ", text)
    text = re.sub(r"[\u2013\u2014\u2192]|->", " - ", text)
    text = re.sub(r"[,;]", " ", text)
    text = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", text)
    text = re.sub(r"\b([ap])\. ?m\.?(?= |$)", r"\1m", text)
    text = re.sub(r"(?<=[a-z])\.(?=[ \d]|$)", " ", text)
    text = re.sub(r"(\d{4}-\d\d-\d\d)t(?=\d)", r"\1 ", text)
    text = re.sub(r" on(?:ward)?\s*$", " onwards", text)
    text = re.sub(r"\b(?:the|of|on|in|during|within|for|so far)\b", " ", text)
    return " ".join(text.split())


def _read(words: str, reader: Reader) -> tuple[str, str] | None:
    for pattern, meaning in _PREFIXES:
        match = re.fullmatch(pattern, words)
        if match:
            item = reader.item(match[1])
            found = meaning(item, reader) if item else None
            if found:
                return found
    words = re.sub(r"^(?:from|between) ", "", words)
    item = reader.item(words)
    if item:
        return item.alone
    for first, second in _halves(words):
        found = reader.span(first, second)
        if found:
            return found
    return None


def _since(item: Item, reader: Reader) -> tuple[str, str]:
    moving = item.name and time_expressions.is_relative(item.name)
    start = item.name if moving else item.start
    return (start, "") if re.match(r"\d", start) and moving else (start, "now")


def _around(item: Item, reader: Reader) -> tuple[str, str] | None:
    if item.start != item.end:
        raise FilterError(
            "“Around” needs a time of day.", "Write “around 9:00” or “around 3 nov 14:00”."
        )
    at, _ = time_expressions.window(item.start, "", reader.zone, reader.now)
    assert at
    return f"{(at - _HALF_HOUR).isoformat()}Z", f"{(at + _HALF_HOUR).isoformat()}Z"


_PREFIXES = (
    (r"(?:since|starting|starting from|from) (.+) onwards", lambda item, _: (item.start, "")),
    (r"(?:since|starting|starting from|from) (.+)", _since),
    (r"after (.+)", lambda item, _: (item.end, "now")),
    (r"before (.+)", lambda item, _: ("", item.start)),
    (r"(?:until|till|up to|through) (.+)", lambda item, _: ("", item.name or item.end)),
    (r"(?:around|about) (.+)", _around),
)


def _halves(words: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to split a range in two, the clearest first."""
    for pattern in (_SPACED, re.compile(" and "), re.compile("-")):
        for match in pattern.finditer(words):
            yield words[: match.start()].strip(), words[match.end() :].strip()


def _correction(words: str, reader: Reader) -> str:
    """Return a hint: the text with its misspelled words corrected if that can be read."""
    corrected = [_corrected(word) for word in words.split()]
    if corrected != words.split():
        text = " ".join(corrected)
        try:
            if _read(text, reader):
                return f"Did you mean “{text}”?"
        except FilterError:
            pass
    return _HINT


def _corrected(word: str) -> str:
    if not word.isalpha() or word in _VOCABULARY or len(word) < 3:
        return word
    return next(iter(difflib.get_close_matches(word, _VOCABULARY, 1, 0.7)), word)
