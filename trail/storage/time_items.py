"""One time or range as people type it, resolved against now. See `time_window`."""

import calendar
import datetime as dt
import re
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from trail.core.clock import utc_text
from trail.core.errors import FilterError
from trail.storage import time_expressions
from trail.storage.time_expressions import add_months
from trail.storage.time_parts import Parser, Part
from trail.storage.time_words import FIRST_QUARTER, Date

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Item:
    """A time as `from` and `to`: `start` and `end` of its span, both the same for a moment.

    `alone` is what it means without a partner; `name` is its relative form, if it has one.
    """

    start: str
    end: str
    alone: tuple[str, str]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads times for a reader in *zone* at *now* (aware) whose weeks start on *week_start*."""

    zone: ZoneInfo
    now: dt.datetime
    week_start: int

    @property
    def today(self) -> dt.date:
        """Return the reader's today."""
        return self.now.astimezone(self.zone).date()

    @property
    def _parser(self) -> Parser:
        return Parser(self.today, self.week_start)

    def item(self, words: str) -> Item | None:
        """Return the time that *words* name, or None. Raises `FilterError`."""
        raw = self._parser.part(words)
        if raw is None or (raw.date and raw.date.is_day_number):
            return None
        return self._resolved(raw)

    def span(self, first: str, second: str) -> tuple[str, str] | None:
        """Return `from` and `to` of a range between two times, or None. Raises `FilterError`."""
        left, right = self._parser.part(_with_half(first, second)), self._parser.part(second)
        if left is None or right is None:
            return None
        pair = self._completed(left, right)
        if pair is None:
            return None
        start, end = pair
        if end.name in ("now", "today") or end.name.startswith("this_"):
            moving = start.name and start.name != "now"
            if moving and re.match(r"\d", start.name):
                return start.name, ""
            return (start.name if moving else start.start), "now"
        return start.start, end.end

    def _completed(self, left: Part, right: Part) -> tuple[Item, Item] | None:
        """Return both ends of a range, each with what only the other one says."""
        if right.is_clock:
            if left.is_clock:
                left = self._resolved_clock(left)
            return self._later(left, right.on(left))
        if left.is_clock:
            left = left.on(right)
        one, other = left.date, right.date
        if one and one.is_day_number:
            if not other or other.is_day_number:
                return None
            left = replace(left, date=Date(other.year, other.month, one.day))
        elif other and other.is_day_number:
            if not one:
                return None
            right = replace(right, date=Date(one.year, one.month, other.day))
        return self._ordered(left, right)

    def _resolved_clock(self, raw: Part) -> Part:
        """Return a time of day on the latest day on which it is past."""
        item = self._moment(self.today, raw)
        past = time_expressions.window(item.start, "", self.zone, self.now)[0]
        future = past and past >= self.now.astimezone(dt.UTC).replace(tzinfo=None)
        return replace(raw, day=self.today - (_DAY if future else dt.timedelta()))

    def _later(self, left: Part, right: Part) -> tuple[Item, Item] | None:
        """Return a range within a day, or into the next morning."""
        if left.clock is None or right.clock is None:
            return None
        start, end = self._resolved(left), self._resolved(right)
        if left.clock.time >= right.clock.time and not right.clock.days:
            day = self._days(right)[0] + _DAY
            end = self._moment(day, right)
        return start, end

    def _ordered(self, left: Part, right: Part) -> tuple[Item, Item]:
        """Return a range whose missing years are such that it ends after it starts."""
        one, other = left.date, right.date
        if one and not one.year and other and other.year:
            last = self._days(right)[0]
            year = other.year
            if self._days(replace(left, date=replace(one, year=year)))[0] > last:
                year -= 1
            left = replace(left, date=replace(one, year=year))
        elif other and not other.year and (one or left.day):
            first = self._days(left)[0]
            candidate = replace(right, date=replace(other, year=first.year))
            if self._days(candidate)[1] <= first:
                following = replace(right, date=replace(other, year=first.year + 1))
                last = self._days(following)[0]
                if last <= self.today or (last - first).days <= 200:
                    candidate = following
            right = candidate
        elif right.day and right.weekday is not None and (left.day or left.date):
            weeks = 1 if right.day < self._days(left)[0] else 0
            right = replace(right, day=right.day + 7 * weeks * _DAY)
        return self._resolved(left), self._resolved(right)

    def _resolved(self, raw: Part) -> Item:
        if raw.name and not raw.day:
            span = self._period(raw.name)
            if span:
                start, end = (day.isoformat() for day in span)
                return Item(start, end, (raw.name, ""), raw.name)
            alone = (raw.name, "" if time_expressions.is_relative(raw.name) else "now")
            return Item(raw.name, raw.name, alone, raw.name)
        if raw.is_clock:
            raw = self._resolved_clock(raw)
        first, after = self._days(raw)
        if raw.clock:
            item = self._moment(first, raw)
            at = time_expressions.window(item.start, "", self.zone, self.now)[0]
            if at and at.replace(tzinfo=dt.UTC) > self.now:
                item = replace(item, alone=(item.start, ""))
            return item
        alone = (raw.name, "") if raw.name else (first.isoformat(), after.isoformat())
        return Item(first.isoformat(), after.isoformat(), alone, raw.name)

    def _moment(self, day: dt.date, raw: Part) -> Item:
        clock = raw.clock
        assert clock
        local = dt.datetime.combine(day + clock.days * _DAY, clock.time)
        if clock.offset is None:
            self._check_exists(local)
        at = local.isoformat(timespec="seconds" if local.second else "minutes")
        if clock.offset is not None:
            zone = dt.timezone(dt.timedelta(minutes=clock.offset))
            at = utc_text(local.replace(tzinfo=zone))
        return Item(at, at, (at, "now"))

    def _check_exists(self, local: dt.datetime) -> None:
        there = local.replace(tzinfo=self.zone).astimezone(dt.UTC).astimezone(self.zone)
        if there.replace(tzinfo=None) != local:
            raise FilterError(
                f"{local:%H:%M} does not exist on {local.day} {local:%b} {local.year} in "
                f"{self.zone.key}: clocks go forward.",
                f"Write {there:%H:%M}.",
            )

    def _days(self, raw: Part) -> tuple[dt.date, dt.date]:
        """Return the first day of a time, and the day after its last."""
        if raw.day:
            return raw.day, raw.day + _DAY
        date = raw.date
        if date is None:
            span = self._period(raw.name)
            return span or (self.today, self.today + _DAY)
        months, month = (1, date.month) if date.month else (12, 1)
        if month >= FIRST_QUARTER:
            months, month = 3, 3 * (month - FIRST_QUARTER) + 1
        if not date.year:
            date = replace(date, year=self._latest_year(month, date.day or 1))
        first = _day(date.year, month, date.day or 1)
        if raw.weekday is not None and first.weekday() != raw.weekday:
            raise FilterError(
                f"{first.day} {first:%b} {first.year} is a {first:%A}.",
                f"Write “{first:%a} {first.day} {first:%b} {first.year}”, or drop the weekday.",
            )
        return first, first + _DAY if date.day else add_months(first, months)

    def _latest_year(self, month: int, day: int) -> int:
        for year in range(self.today.year, max(self.today.year - 9, 0), -1):
            within = day <= calendar.monthrange(year, month)[1]
            if within and dt.date(year, month, day) <= self.today:
                return year
        return self.today.year

    def _period(self, name: str) -> tuple[dt.date, dt.date] | None:
        return time_expressions.period(name, self.today)


def _with_half(first: str, second: str) -> str:
    """Return *first* with the am or pm that only *second* has: `9 - 11am`."""
    last = re.search(r"(?:^| )(\d\d?)(?::\d\d)? ?([ap])m$", second)
    hour = re.search(r"(?:^| )(\d\d?)$", first)
    if not last or not hour or not 1 <= int(hour[1]) <= 12:
        return first
    half = last[2]
    if int(hour[1]) % 12 > int(last[1]) % 12:
        half = "a" if half == "p" else "p"
    return f"{first}{half}m"


def _day(year: int, month: int, day: int) -> dt.date:
    if not 1 <= year <= 9998:
        raise FilterError(f"The year {year} is out of range.", "Write a year from 1 to 9998.")
    if not 1 <= month <= 12:
        raise FilterError(
            f"There is no month {month} in {year}.", "Write 2026-11-03, or “3 nov 2026”."
        )
    last = calendar.monthrange(year, month)[1]
    if not 1 <= day <= last:
        raise FilterError(
            f"There is no {day} {calendar.month_name[month]} {year}.",
            f"{calendar.month_name[month]} {year} has {last} days.",
        )
    return dt.date(year, month, day)
