"""Export incidents as CSV: one row per incident, times in the zone of the filter."""

import datetime as dt
from collections.abc import Iterator

from trail.core import csv_safety
from trail.incidents.incident_json import records
from trail.storage.database import Engine
from trail.storage.filters import Filter

_COLUMNS = (
    *("incident_id", "class", "open", "state", "action", "category", "target_type", "target_id"),
    *("target_name", "targets", "first_at", "last_at", "attempts", "runs", "text"),
)
_TIMES = ("first_at", "last_at")


def stream(engine: Engine, filter_: Filter, now: dt.datetime) -> Iterator[bytes]:
    """Yield the incidents that *filter_* selects as CSV, with a header; *now* is aware."""
    zone = filter_.zone
    named = [f"{name} ({zone.key})" if name in _TIMES else name for name in _COLUMNS]
    yield csv_safety.line([*named, "changes_before", "likely_cause"])
    for record in records(engine, filter_, now):
        cells = [
            _moment(record[name], filter_) if name in _TIMES else record[name] for name in _COLUMNS
        ]
        changes = record["changes_before"]
        causes = "; ".join(change["text"] for change in changes if change["blamed"])
        yield csv_safety.line([*cells, len(changes), causes])


def _moment(text: str, filter_: Filter) -> str:
    return dt.datetime.fromisoformat(text).astimezone(filter_.zone).isoformat()
