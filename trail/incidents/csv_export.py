"""Export incidents as CSV: one row per incident, times in the zone of the filter."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from trail.core import csv_safety
from trail.core.errors import InputError
from trail.incidents.columns import BY_NAME, Scene
from trail.incidents.incident_json import records
from trail.incidents.listing import Listing
from trail.incidents.shown import EVERYTHING, Shown
from trail.storage.engine import Engine
from trail.storage.filters import Filter

_COLUMNS = (
    *("incident_id", "class", "open", "state", "action", "category", "target_type", "target_id"),
    *("target_name", "targets", "first_at", "last_at", "attempts", "runs", "text"),
)
_MORE = ("duration_s", "flaps", "recover_s", "owner", "assignee")
_TIMES = ("first_at", "last_at")
_BATCH = 2_000


def stream(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    shown: Shown | None = None,
) -> Iterator[bytes]:
    """Yield all fields of the incidents that *filter_* selects as CSV, with a header.

    *now* is aware; *shown* restricts and orders them.
    """
    zone = filter_.zone
    named = [f"{name} ({zone.key})" if name in _TIMES else name for name in _COLUMNS]
    yield csv_safety.line([*named, "changes_before", "likely_cause", *_MORE])
    for record in records(engine, filter_, now, shown or Shown(EVERYTHING)):
        cells = [
            _moment(record[name], filter_) if name in _TIMES else record[name] for name in _COLUMNS
        ]
        changes = record["changes_before"]
        causes = "; ".join(change["text"] for change in changes if change["blamed"])
        more = [record[name] for name in _MORE]
        yield csv_safety.line([*cells, len(changes), causes, *more])


def stream_columns(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    shown: Shown,
    columns: Sequence[str],
    names: Mapping[str, str],
) -> Iterator[bytes]:
    """Yield the rows of the list as on screen, with the *columns* of `columns.COLUMNS`.

    *names* has the names of users by username. A column that is named twice is there once. Raises
    `InputError` for an unknown column.
    """
    unknown = [name for name in columns if name not in BY_NAME]
    if unknown or not columns:
        raise InputError(
            f"Unknown column {unknown[0][:60]!r}." if unknown else "The list of columns is empty.",
            f"Allowed: {', '.join(BY_NAME)}.",
        )
    return _screen(engine, filter_, now, shown, tuple(dict.fromkeys(columns)), names)


def _screen(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    shown: Shown,
    columns: Sequence[str],
    names: Mapping[str, str],
) -> Iterator[bytes]:
    chosen = [BY_NAME[name] for name in columns]
    zone = filter_.zone
    titles = {name: f"{BY_NAME[name].title} ({zone.key})" for name in _TIMES}
    yield csv_safety.line([titles.get(column.name, column.title) for column in chosen])
    listing, scene = Listing(engine, filter_, shown, now), Scene(now, zone, names)
    incidents = listing.incidents()
    for start in range(0, len(incidents), _BATCH):
        for line in listing.lines(incidents[start : start + _BATCH]):
            yield csv_safety.line([column.text(line, scene) for column in chosen])


def _moment(text: str, filter_: Filter) -> str:
    return dt.datetime.fromisoformat(text).astimezone(filter_.zone).isoformat()
