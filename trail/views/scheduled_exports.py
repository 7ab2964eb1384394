"""Exports of a filter that are made regularly: each covers one closed day, week or month.

Periods follow each other without gap and overlap, in the zone of the filter; what a stopped server
missed is made later. The filter is the one that the view had when the export was scheduled, so that
whoever may change the view cannot change what is sent.
"""

import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from trail.core.clock import naive_utc, utc_text
from trail.core.errors import InputError
from trail.core.text import count
from trail.events.export import FORMATS, Export
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Filter, Window
from trail.views.random_id import random_id
from trail.views.view import checked_columns, checked_name

_DAYS = {"daily": 1, "weekly": 7, "monthly": 31}
CADENCES = tuple(_DAYS)
MAX_EXPORTS = 50
# After the end of a period, for events that arrive late.
DELAY = dt.timedelta(hours=1)
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class ScheduledExport:
    """One scheduled export; times are UTC without zone.

    Without a `destination_id` a file is written into the folder of exports. `next_from` is the
    start of the next period. `last_error` is empty after a success, and None before the first run.
    """

    export_id: str
    name: str
    query: str
    columns: tuple[str, ...]
    format: str
    cadence: str
    destination_id: int | None
    made_by: str
    made_at: dt.datetime
    next_from: dt.datetime
    last_at: dt.datetime | None = None
    last_file: str | None = None
    last_rows: int | None = None
    last_bytes: int | None = None
    last_error: str | None = None

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone of the periods."""
        return Filter.parse(self.query).zone

    @property
    def period(self) -> Window:
        """Return the next period."""
        first = self.next_from.replace(tzinfo=dt.UTC).astimezone(self.zone).date()
        return Window(self.next_from, _midnight(_following(first, self.cadence), self.zone))

    @property
    def due_at(self) -> dt.datetime:
        """Return when the next export is made."""
        end = self.period.end
        assert end
        return end + DELAY

    def export(self) -> Export:
        """Return the export of the next period. Raises `InputError` if it can no longer be read."""
        start, end = self.period.start, self.period.end
        assert start and end
        filter_ = replace(Filter.parse(self.query), start=utc_text(start), end=utc_text(end))
        return Export(filter_, self.format, self.columns)

    @property
    def file_prefix(self) -> str:
        """Return the beginning of the names of all files of this export."""
        slug = _NOT_IN_NAMES.sub("-", self.name.casefold()).strip("-")[:40].strip("-")
        return f"{slug or 'view'}_{self.export_id[:6]}_"

    @property
    def file_name(self) -> str:
        """Return the name of the next file, which sorts by its period."""
        first = self.next_from.replace(tzinfo=dt.UTC).astimezone(self.zone)
        return f"{self.file_prefix}{first:%Y-%m-%d}.{self.format}"


@dataclass(frozen=True, slots=True)
class Result:
    """How a period went: the file or message, its size, or why there is none."""

    at: dt.datetime
    file: str = ""
    rows: int = 0
    size: int = 0
    error: str = ""


def create(
    store: Store,
    name: str,
    filter_: Filter,
    *,
    columns: Sequence[str],
    file_format: str,
    cadence: str,
    destination_id: int | None,
    made_by: str,
    now: dt.datetime,
    readable_days: int | None,
) -> ScheduledExport:
    """Schedule an export, whose first period is the present one at *now* (aware); return it.

    Of *filter_* all but its range is kept. Events can be read for *readable_days*, None: for ever.
    Raises `InputError` for invalid values, for a period of
    which events would be removed before it is exported, and beyond the limit.
    """
    filter_ = replace(filter_, start="", end="")
    filter_.check()
    if cadence not in CADENCES:
        raise InputError(f"Unknown cadence {cadence!r}.", f"Allowed: {', '.join(CADENCES)}.")
    if readable_days is not None and _DAYS[cadence] >= readable_days:
        raise InputError(
            f"Events are kept for {count(readable_days, 'day')} only.",
            "Export more often than that.",
        )
    if file_format not in FORMATS:
        raise InputError(f"Unknown format {file_format!r}.", f"Allowed: {', '.join(FORMATS)}.")
    export = ScheduledExport(
        random_id(),
        checked_name(name, "export"),
        filter_.query(),
        Export(filter_, file_format, tuple(columns)).columns,
        file_format,
        cadence,
        destination_id,
        made_by,
        naive_utc(now),
        _midnight(_first_day(now.astimezone(filter_.zone).date(), cadence), filter_.zone),
    )

    def write(cursor: Cursor) -> None:
        ((number,),) = cursor.execute("select count(*) from scheduled_exports").fetchall()
        if number >= MAX_EXPORTS:
            raise InputError(f"There are {MAX_EXPORTS} scheduled exports.", "Delete one of them.")
        cursor.execute(
            "insert into scheduled_exports values ($id, $name, $query, $columns, $format, "
            "$cadence, $destination, $by, $at, $from, null, null, null, null, null)",
            {
                "id": export.export_id,
                "name": export.name,
                "query": export.query,
                "columns": checked_columns(export.columns),
                "format": export.format,
                "cadence": export.cadence,
                "destination": export.destination_id,
                "by": export.made_by,
                "at": export.made_at,
                "from": export.next_from,
            },
        )

    store.submit(write, versioned=False).result()
    return export


def list_all(engine: Engine) -> list[ScheduledExport]:
    """Return all scheduled exports, ordered by name."""
    rows = engine.table("select * from scheduled_exports order by lower(name), export_id")
    return [_from_row(row) for row in rows.to_pylist()]


def delete(store: Store, export_id: str) -> None:
    """Delete a scheduled export; its files stay."""
    store.submit(
        lambda cursor: cursor.execute(
            "delete from scheduled_exports where export_id = $id", {"id": export_id}
        ),
        versioned=False,
    ).result()


def finish(cursor: Cursor, export: ScheduledExport, result: Result, *, go_on: bool) -> None:
    """Store how the next period of *export* went; with *go_on*, the one after it is next."""
    cursor.execute(
        "update scheduled_exports set last_at = $at, last_file = $file, last_rows = $rows, "
        "last_bytes = $size, last_error = $error, next_from = $next where export_id = $id",
        {
            "at": result.at,
            "file": result.file,
            "rows": result.rows,
            "size": result.size,
            "error": result.error,
            "next": export.period.end if go_on else export.next_from,
            "id": export.export_id,
        },
    )


def _from_row(row: dict[str, Any]) -> ScheduledExport:
    return ScheduledExport(**{**row, "columns": tuple(json.loads(row["columns"]))})


def _first_day(day: dt.date, cadence: str) -> dt.date:
    """Return the first day of the period that contains *day*; weeks begin on Monday."""
    if cadence == "weekly":
        return day - dt.timedelta(days=day.weekday())
    return day.replace(day=1) if cadence == "monthly" else day


def _following(first: dt.date, cadence: str) -> dt.date:
    """Return the first day of the period after the one that begins on *first*."""
    if cadence == "monthly":
        return (first.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    return first + dt.timedelta(days=7 if cadence == "weekly" else 1)


def _midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return the beginning of a local day in UTC, without zone."""
    return naive_utc(dt.datetime.combine(day, dt.time(), zone))
