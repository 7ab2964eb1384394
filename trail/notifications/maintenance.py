"""Maintenance windows: one-time or weekly spans in which rules send no messages.

Matches are counted, and reported after the window in one message that names it.
"""

import datetime as dt
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from trail.core.clock import naive_utc, utc_now
from trail.core.errors import InputError
from trail.core.names import check_name
from trail.core.zones import zone_names
from trail.notifications.rule import Rule
from trail.storage.connection import Cursor
from trail.storage.engine import Engine

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MAX_WINDOWS = 100
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DAY = dt.timedelta(days=1)
_LONGEST = dt.timedelta(days=31)


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """One window; `window_id` is empty until it is saved. Stored times are naive UTC.

    A `weekly` window begins on `weekday` (0 is Monday) at `start_time` and ends at `end_time`, on
    the next day if that is not later, in local time of `zone`; others last from `starts_at` to
    `ends_at`. A window applies to the rules in `rule_ids`, or to all. `held` is the number of
    matches held back so far.
    """

    name: str
    weekly: bool = False
    starts_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None
    weekday: int = 0
    start_time: str = "00:00"
    end_time: str = "01:00"
    zone: str = "UTC"
    rule_ids: tuple[int, ...] = ()
    reason: str = ""
    window_id: str = ""
    made_by: str = ""
    made_at: dt.datetime | None = None
    held: int = 0
    held_at: dt.datetime | None = None

    def check(self) -> None:
        """Raise `InputError` naming the first invalid value."""
        check_name(self.name, "window")
        if self.zone not in zone_names():
            raise InputError(
                f"Unknown time zone {self.zone[:60]!r}.", "Use a name such as Europe/Oslo."
            )
        if self.weekly:
            if not 0 <= self.weekday < len(WEEKDAYS):
                raise InputError(f"Weekday is {self.weekday}.", "Use 0 (Monday) to 6 (Sunday).")
            for text in (self.start_time, self.end_time):
                if not _TIME.fullmatch(text):
                    raise InputError(f"Invalid time {text[:20]!r}.", "Use the form 01:30.")
        elif not (self.starts_at and self.ends_at and self.starts_at < self.ends_at):
            raise InputError("The window ends before it begins.", "Choose a later end.")
        elif self.ends_at - self.starts_at > _LONGEST:
            raise InputError(
                f"The window is longer than {_LONGEST.days} days.", "Turn the rules off instead."
            )

    def applies_to(self, rule: Rule) -> bool:
        """Return whether the window holds back the messages of *rule*."""
        return not self.rule_ids or rule.rule_id in self.rule_ids

    def end_at(self, now: dt.datetime) -> dt.datetime | None:
        """Return the end of the window if it is open at *now* (both naive UTC), or None.

        Around clock changes, a weekly window uses the earlier of two possible starts and the later
        of two possible ends, so that it is never shorter than planned.
        """
        if not self.weekly:
            is_open = self.starts_at and self.ends_at and self.starts_at <= now < self.ends_at
            return self.ends_at if is_open else None
        today = now.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(self.zone)).date()
        for day in (today - _DAY, today, today + _DAY):
            if day.weekday() == self.weekday:
                start, end = self.span(day)
                if start <= now < end:
                    return end
        return None

    def span(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        """Return start and end (naive UTC) of the weekly window that begins on *day*."""
        last = day if self.end_time > self.start_time else day + _DAY
        return min(self._moments(day, self.start_time)), max(self._moments(last, self.end_time))

    def _moments(self, day: dt.date, time: str) -> tuple[dt.datetime, dt.datetime]:
        """Return the two possible meanings of a local time, which differ around clock changes."""
        local = dt.datetime.combine(day, dt.time.fromisoformat(time), ZoneInfo(self.zone))
        return naive_utc(local), naive_utc(local.replace(fold=1))


def held_by(
    windows: Iterable[MaintenanceWindow], rule: Rule, now: dt.datetime
) -> tuple[MaintenanceWindow, dt.datetime] | None:
    """Return the open window that applies to *rule* and ends last, with its end (naive UTC)."""
    found = [
        (window, end)
        for window in windows
        if window.applies_to(rule) and (end := window.end_at(now))
    ]
    return max(found, key=lambda pair: pair[1], default=None)


def quieted(windows: Iterable[MaintenanceWindow], rule: Rule, now: dt.datetime) -> Rule:
    """Return *rule*, silenced until the end of its open window, if there is one."""
    found = held_by(windows, rule, now)
    if not found:
        return rule
    return replace(rule, snoozed_until=max(found[1], rule.snoozed_until or found[1]))


def list_all(engine: Engine) -> list[MaintenanceWindow]:
    """Return all windows by name."""
    rows = engine.table("select * from maintenance_windows order by lower(name), window_id")
    return [_from_row(row) for row in rows.to_pylist()]


def add(cursor: Cursor, window: MaintenanceWindow, by: str) -> str:
    """Store a new window and return its ID; raises `InputError` for invalid values."""
    window.check()
    [(number,)] = cursor.execute("select count(*) from maintenance_windows").fetchall()
    if number >= MAX_WINDOWS:
        raise InputError(
            f"There are already {MAX_WINDOWS} maintenance windows.", "Delete one that has ended."
        )
    window_id = secrets.token_hex(8)
    cursor.execute(
        "insert into maintenance_windows values ($id, $name, $weekly, $starts, $ends, $weekday, "
        "$start, $end, $zone, $rules, $reason, $by, $now, 0, null)",
        {
            "id": window_id,
            "name": window.name,
            "weekly": window.weekly,
            "starts": window.starts_at,
            "ends": window.ends_at,
            "weekday": window.weekday,
            "start": window.start_time,
            "end": window.end_time,
            "zone": window.zone,
            "rules": list(window.rule_ids),
            "reason": window.reason,
            "by": by,
            "now": utc_now(),
        },
    )
    return window_id


def remove(cursor: Cursor, window_id: str) -> None:
    """Delete a window; matches it held back are reported as soon as the rules may send."""
    cursor.execute("delete from maintenance_windows where window_id = $id", {"id": window_id})


def record_held(cursor: Cursor, window_id: str, count: int, now: dt.datetime) -> None:
    """Add *count* matches that the window held back at *now* (naive UTC)."""
    cursor.execute(
        "update maintenance_windows set held = held + $count, held_at = $now where window_id = $id",
        {"id": window_id, "count": count, "now": now},
    )


def _from_row(row: dict[str, Any]) -> MaintenanceWindow:
    return MaintenanceWindow(**{**row, "rule_ids": tuple(row["rule_ids"])})
