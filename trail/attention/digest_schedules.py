"""Digests that are sent regularly: weekly on a weekday or daily, at an hour of a zone.

Each covers the newest complete week or day at its occasion. After a stop, only the newest missed
one is sent: an older digest is still a page, and tells nobody what to do.
"""

import contextlib
import datetime as dt
from dataclasses import dataclass, fields, replace
from typing import Any
from zoneinfo import ZoneInfo

from trail.attention import digest_period
from trail.attention.digest_period import CADENCES, Cadence, Period
from trail.core.clock import naive_utc
from trail.core.errors import InputError
from trail.core.names import check_name
from trail.core.zones import zone_names
from trail.notifications import destinations
from trail.storage import ledger
from trail.storage.connection import Cursor
from trail.storage.engine import Engine
from trail.storage.inside import Inside
from trail.views.random_id import random_id

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MAX_SCHEDULES = 50
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DigestSchedule:
    """One schedule; `schedule_id` is empty until it is saved. Stored times are UTC without zone.

    `weekday` counts from 0 for Monday and matters to weekly digests. `findings` includes findings,
    which managers may not see. `next_at` is the next occasion; `last_period` the first day of the
    digest that was queued last. `last_error` is empty after a success. `edited_by` and `edited_at`
    are None if nobody changed it, or only an earlier version, which did not store it.
    """

    name: str
    destination_id: int = 0
    cadence: Cadence = "weekly"
    weekday: int = 0
    hour: int = 8
    zone: str = "UTC"
    findings: bool = True
    active: bool = True
    schedule_id: str = ""
    made_by: str = ""
    made_at: dt.datetime | None = None
    next_at: dt.datetime | None = None
    last_at: dt.datetime | None = None
    last_period: dt.date | None = None
    last_error: str = ""
    edited_by: str | None = None
    edited_at: dt.datetime | None = None

    def check(self) -> None:
        """Raise `InputError` naming the first invalid value."""
        check_name(self.name, "digest")
        if self.cadence not in CADENCES:
            raise self._invalid(f"cadence is {self.cadence!r}", f"Allowed: {', '.join(CADENCES)}.")
        if not 0 <= self.weekday < len(WEEKDAYS):
            raise self._invalid(f"weekday is {self.weekday}", "Use 0 (Monday) to 6 (Sunday).")
        if not 0 <= self.hour < 24:
            raise self._invalid(f"hour is {self.hour}", "Use 0 to 23.")
        if self.zone not in zone_names():
            raise self._invalid(f"zone is {self.zone[:60]!r}", "Use a name such as Europe/Oslo.")

    def _invalid(self, problem: str, hint: str) -> InputError:
        return InputError(f"Digest {self.name!r}: {problem}.", hint)

    def occasion_after(self, moment: dt.datetime) -> dt.datetime:
        """Return the first occasion after *moment*; both UTC without zone.

        An hour that the clocks skip means the hour after it; one that comes twice means its first.
        """
        day = self._local_day(moment) - _DAY
        while not (self._is_on(day) and self._at(day) > moment):
            day += _DAY
        return self._at(day)

    def due(self, now: dt.datetime) -> dt.datetime | None:
        """Return the newest occasion up to *now* (UTC without zone) if one is due, else None."""
        if not self.active or self.next_at is None or self.next_at > now:
            return None
        day = self._local_day(now) + _DAY
        while not (self._is_on(day) and self._at(day) <= now):
            day -= _DAY
        return self._at(day)

    def _local_day(self, moment: dt.datetime) -> dt.date:
        return moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(self.zone)).date()

    def _is_on(self, day: dt.date) -> bool:
        return self.cadence == "daily" or day.weekday() == self.weekday

    def _at(self, day: dt.date) -> dt.datetime:
        return naive_utc(dt.datetime.combine(day, dt.time(self.hour), ZoneInfo(self.zone)))

    def period(self, occasion: dt.datetime) -> Period:
        """Return the period of the digest that is sent at *occasion* (UTC without zone)."""
        at = occasion.replace(tzinfo=dt.UTC)
        return digest_period.last_complete(at, self.cadence, self.zone)

    @property
    def when(self) -> str:
        """Return the occasions in words: `Mondays at 08:00, Europe/Oslo`."""
        day = f"{WEEKDAYS[self.weekday].capitalize()}s" if self.cadence == "weekly" else "Daily"
        return f"{day} at {self.hour:02d}:00, {self.zone}"


def save(cursor: Cursor, schedule: DigestSchedule, by: str, now: dt.datetime) -> str:
    """Insert or update *schedule* and return its ID; its next occasion is the first after *now*.

    *now* is UTC without zone. Raises `InputError` for invalid values, a name in use, a destination
    that does not exist, and more than `MAX_SCHEDULES`.
    """
    schedule.check()
    stored = [_from_row(row) for row in Inside(cursor).table(_ALL).to_pylist()]
    others = [other for other in stored if other.schedule_id != schedule.schedule_id]
    if any(other.name.casefold() == schedule.name.casefold() for other in others):
        raise InputError(
            f"A digest named {schedule.name!r} already exists.", "Choose another name."
        )
    destinations.get(Inside(cursor), schedule.destination_id)
    made = schedule
    if not schedule.schedule_id:
        if len(others) >= MAX_SCHEDULES:
            raise InputError(f"There are {MAX_SCHEDULES} digests.", "Delete one of them.")
        made = replace(schedule, schedule_id=random_id(), made_by=by, made_at=now)
    else:
        made = replace(made, edited_by=by, edited_at=now)
    made = replace(made, next_at=made.occasion_after(now), last_error="")
    with _recorded(cursor, made.schedule_id):
        _delete(cursor, made.schedule_id)
        names = [item.name for item in fields(DigestSchedule)]
        cursor.execute(
            f"insert into digest_schedules ({', '.join(names)}) "
            f"values ({', '.join(f'${name}' for name in names)})",
            {name: getattr(made, name) for name in names},
        )
    return made.schedule_id


def set_active(
    cursor: Cursor, schedule: DigestSchedule, by: str, now: dt.datetime, *, active: bool
) -> None:
    """Pause or resume *schedule*; what it missed while it was paused is not sent."""
    with _recorded(cursor, schedule.schedule_id):
        cursor.execute(
            "update digest_schedules set active = $active, next_at = $next, edited_by = $by, "
            "edited_at = $now where schedule_id = $id",
            {
                "active": active,
                "next": schedule.occasion_after(now),
                "by": by,
                "now": now,
                "id": schedule.schedule_id,
            },
        )


def remove(cursor: Cursor, schedule_id: str) -> None:
    """Delete a schedule; its deliveries stay in the log."""
    with _recorded(cursor, schedule_id):
        _delete(cursor, schedule_id)


def list_all(engine: Engine) -> list[DigestSchedule]:
    """Return all schedules, ordered by name."""
    return [_from_row(row) for row in engine.table(_ALL).to_pylist()]


def finish(
    cursor: Cursor,
    schedule: DigestSchedule,
    now: dt.datetime,
    period: Period | None,
    error: str = "",
) -> bool:
    """Store how *schedule* went at *now* (UTC without zone); return whether it was still due.

    With the *period* of the digest that is queued in the same transaction, the next occasion is the
    first after *now*; without one, *error* says why, and it is tried again.
    """
    following = schedule.occasion_after(now) if period else schedule.next_at
    rows = cursor.execute(
        "update digest_schedules set next_at = $following, last_error = $error, last_at = $now, "
        "last_period = coalesce($first, last_period) "
        "where schedule_id = $id and next_at = $due and active returning 1",
        {
            "following": following,
            "error": error,
            "now": now,
            "first": period.first if period else None,
            "id": schedule.schedule_id,
            "due": schedule.next_at,
        },
    ).fetchall()
    return bool(rows)


_ALL = "select * from digest_schedules order by lower(name), schedule_id"


def _delete(cursor: Cursor, schedule_id: str) -> None:
    cursor.execute("delete from digest_schedules where schedule_id = $id", {"id": schedule_id})


def _recorded(cursor: Cursor, schedule_id: str) -> contextlib.AbstractContextManager[None]:
    return ledger.changing(cursor, "digest_schedules", "schedule_id = $id", {"id": schedule_id})


def _from_row(row: dict[str, Any]) -> DigestSchedule:
    return DigestSchedule(**row)
