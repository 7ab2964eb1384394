"""Export findings as CSV: one row per finding, times in the zone of the filter."""

from collections.abc import Iterator, Mapping, Sequence

from trail.core import csv_safety
from trail.core.errors import InputError
from trail.findings import queries, severity
from trail.findings.columns import BY_NAME, Scene
from trail.findings.listing import Listing
from trail.storage.engine import Engine

_ALL_FIELDS = (
    *("finding_id", "day", "began_at", "actor_id", "actor_type", "actor", "score", "severity"),
    *("state", "title", "reasons", "events", "assignee"),
)
_BATCH = 500


def stream(engine: Engine, listing: Listing) -> Iterator[bytes]:
    """Yield all fields of the findings of *listing* as CSV, with a header.

    `day` is the UTC day that was scored, `began_at` the time of the first event.
    """
    zone = listing.filter.zone
    yield csv_safety.line(
        [f"{name} ({zone.key})" if name == "began_at" else name for name in _ALL_FIELDS]
    )
    for start in range(0, len(listing.lines), _BATCH):
        lines = listing.lines[start : start + _BATCH]
        findings = [line.finding for line in lines]
        rows = queries.records(engine, findings, zone, listing.now)
        for line, row in zip(lines, rows, strict=True):
            values = {
                **row,
                "began_at": line.finding.began_at_in(zone).isoformat(),
                "actor_type": line.finding.actor_type,
                "severity": severity.of(line.finding),
                "reasons": " ".join(reason["text"] for reason in row["reasons"]),
                "events": len(row["event_ids"]),
                "assignee": line.triage.assignee,
            }
            yield csv_safety.line([values[name] for name in _ALL_FIELDS])


def stream_columns(
    listing: Listing, columns: Sequence[str], names: Mapping[str, str]
) -> Iterator[bytes]:
    """Yield the rows of the list as on screen, with the *columns* of `columns.COLUMNS`.

    *names* has the names of users by username. Raises `InputError` for an unknown column.
    """
    unknown = [name for name in columns if name not in BY_NAME]
    if unknown or not columns:
        raise InputError(
            f"Unknown column {unknown[0][:60]!r}." if unknown else "The list of columns is empty.",
            f"Allowed: {', '.join(BY_NAME)}.",
        )
    return _screen(listing, columns, names)


def _screen(listing: Listing, columns: Sequence[str], names: Mapping[str, str]) -> Iterator[bytes]:
    chosen = [BY_NAME[name] for name in columns]
    zone = listing.filter.zone
    yield csv_safety.line(
        [
            f"{column.title} ({zone.key})" if column.name == "day" else column.title
            for column in chosen
        ]
    )
    scene = Scene(listing.now, zone, names)
    for line in listing.lines:
        yield csv_safety.line([column.text(line, scene) for column in chosen])
