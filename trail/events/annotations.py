"""Chart annotations such as deployments and freezes, imported from CSV."""

import csv
import datetime as dt
import io
from dataclasses import dataclass

from trail.core.clock import naive_utc, utc_now
from trail.core.errors import InputError
from trail.storage import ledger
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Window

_MAX_LABEL = 200
_MAX_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Annotation:
    """A labeled point in time or, with `until_time`, a period (UTC, without zone)."""

    at_time: dt.datetime
    until_time: dt.datetime | None
    label: str


def parse(text: str) -> list[Annotation]:
    """Return the annotations of CSV *text*: `time,label` or `time,until,label`, with a header.

    Times are ISO 8601, UTC where they name no zone. Raises `InputError` naming the line.
    """
    reader = csv.DictReader(io.StringIO(text.strip()))
    names = [name.strip().lower() for name in reader.fieldnames or []]
    if "time" not in names or "label" not in names:
        raise InputError(
            "The CSV header is missing.", "Use time,label or time,until,label as the first line."
        )
    reader.fieldnames = names
    annotations = []
    try:
        for row in reader:
            annotations.append(_row(row, reader.line_num))
    except csv.Error as error:
        raise InputError(f"Line {reader.line_num}: {error}.", "Correct the line.") from None
    if len(annotations) > _MAX_ROWS:
        raise InputError(f"More than {_MAX_ROWS:,} annotations.", "Split the import.")
    return annotations


def _row(row: dict[str, str | None], line: int) -> Annotation:
    start = _time(row.get("time") or "", line)
    until = _time(row["until"] or "", line) if row.get("until") else None
    label = (row.get("label") or "").strip()[:_MAX_LABEL]
    if not label:
        raise InputError(f"Line {line}: the label is empty.", "Add a label.")
    if until and until < start:
        raise InputError(f"Line {line}: `until` is before `time`.", "Swap the two times.")
    return Annotation(start, until, label)


def _time(text: str, line: int) -> dt.datetime:
    try:
        return naive_utc(dt.datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        raise InputError(
            f"Line {line}: invalid time {text.strip()[:40]!r}.", "Use the form 2026-11-24T14:00Z."
        ) from None


def add(store: Store, annotations: list[Annotation], made_by: str) -> int:
    """Store *annotations* that are not stored yet; return their number."""

    def write(cursor: Cursor) -> int:
        new = 0
        for annotation in annotations:
            params = {
                "at": annotation.at_time,
                "until": annotation.until_time,
                "label": annotation.label,
            }
            known = cursor.execute(
                "select 1 from annotations where at_time = $at and label = $label "
                "and until_time is not distinct from $until",
                params,
            ).fetchall()
            if not known:
                here = {"at": annotation.at_time}
                with ledger.changing(cursor, "annotations", "at_time = $at", here):
                    cursor.execute(
                        "insert into annotations values ($at, $until, $label, $by, $now)",
                        params | {"by": made_by, "now": utc_now()},
                    )
                new += 1
        return new

    return store.write(write)


def in_window(engine: Engine, window: Window) -> list[Annotation]:
    """Return the annotations that overlap *window* (both ends set), oldest first."""
    rows = engine.table(
        "select at_time, until_time, label from annotations where at_time < $end "
        "and coalesce(until_time, at_time) >= $start order by at_time, label",
        {"start": window.start, "end": window.end},
    ).to_pylist()
    return [Annotation(row["at_time"], row["until_time"], row["label"]) for row in rows]


def clear(store: Store) -> None:
    """Remove all annotations."""

    def job(cursor: Cursor) -> None:
        with ledger.changing(cursor, "annotations"):
            cursor.execute("delete from annotations")

    store.write(job)
