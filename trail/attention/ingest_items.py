"""Items about collecting events: sources that fail, gaps, and refused records."""

import datetime as dt

from trail.attention.item import Item, Urgency, page_of
from trail.core.clock import naive_utc
from trail.core.settings import Settings
from trail.core.text import count, one_line
from trail.core.time_labels import duration_text
from trail.events import coverage
from trail.ingest import quarantine, source_health
from trail.ingest.source_health import SourceHealth
from trail.storage import collected_by, workspaces
from trail.storage.engine import Engine
from trail.triage.records import subject

_GAP_DAYS = dt.timedelta(days=7)
# A gap of an hour may hide something.
_LONG_GAP = dt.timedelta(hours=1)

_STATES: dict[str, tuple[Urgency, str]] = {
    "failing": ("now", "fails"),
    "silent": ("soon", "is silent"),
}


def sources(engine: Engine, settings: Settings, now: dt.datetime) -> list[Item]:
    """Return an item for each source that fails or is silent, failing ones first."""
    listed = source_health.sources(engine, settings, naive_utc(now))
    problems = [health for health in listed if health.state in _STATES]
    return [_source(health) for health in sorted(problems, key=lambda health: health.state)]


def _source(health: SourceHealth) -> Item:
    urgency, verb = _STATES[health.state]
    return Item(
        subject("source", health.name),
        "source",
        urgency,
        f"{health.title} {verb}",
        f"Source · {one_line(health.message).rstrip('.') or 'no data since then'}",
        health.since,
        page_of("source"),
        "open",
        "Open sources",
    )


def gaps(engine: Engine, now: dt.datetime) -> list[Item]:
    """Return an item for each gap of a source in the last week that no other source covers.

    A part that another source covers is not counted. Latest first. *now* is aware.
    """
    end = naive_utc(now)
    start = end - _GAP_DAYS
    listed = [
        # One that is older than the week is named by its begin, or it would be another one later.
        (source, coverage.gap_start(engine, source, first) if first == start else first, last)
        for source, spans in coverage.source_gaps(engine, start, end).items()
        for first, last in spans
    ]
    earliest = min((first for _, first, _ in listed), default=start)
    uncovered = [
        (span.start, span.end)
        for span in coverage.spans(engine, earliest, end)
        if span.state == "gap"
    ]
    result = []
    for source, first, last in listed:
        missing = sum(
            (
                max(min(last, end_) - max(first, start_), dt.timedelta())
                for start_, end_ in uncovered
            ),
            dt.timedelta(),
        )
        if missing >= coverage.MIN_GAP:
            result.append(_gap(name_of(engine, source), source, first, last, missing))
    return sorted(result, key=lambda item: (item.since, item.subject), reverse=True)


def _gap(
    name: str, source: str, first: dt.datetime, last: dt.datetime, missing: dt.timedelta
) -> Item:
    length = duration_text((last - first).total_seconds())
    part = duration_text(missing.total_seconds())
    urgency: Urgency = "soon" if missing >= _LONG_GAP else "later"
    covers = (
        "No other source covers it"
        if missing == last - first
        else f"Other sources cover all but {part}"
    )
    return Item(
        subject("gap", f"{source}:{first.isoformat()}"),
        "gap",
        urgency,
        f"{name} did not collect for {length}",
        f"Coverage gap · {covers}",
        first,
        page_of("gap"),
        "open",
        "Open coverage",
    )


def refused(engine: Engine) -> list[Item]:
    """Return an item for each loader with records in quarantine, the latest first."""
    by_loader: dict[str, list[dict[str, object]]] = {}
    for row in quarantine.reasons(engine):
        by_loader.setdefault(row["loader"] or "", []).append(row)
    return [_refused(name_of(engine, loader), loader, rows) for loader, rows in by_loader.items()]


def _refused(name: str, loader: str, rows: list[dict[str, object]]) -> Item:
    records = sum(int(str(row["records"])) for row in rows)
    first = min(row["seen_at"] for row in rows if isinstance(row["seen_at"], dt.datetime))
    others = len({row["reason"] for row in rows}) - 1
    more = f" and {count(others, 'other reason')}" if others else ""
    return Item(
        subject("quarantine", loader),
        "quarantine",
        "soon",
        f"{count(records, 'record')} in quarantine",
        f"{name} · {one_line(rows[0]['reason'])}{more}",
        first,
        page_of("quarantine"),
        "open",
        "Review records",
    )


def name_of(engine: Engine, source: str) -> str:
    """Return what people read for a source or loader."""
    return collected_by.title(source, workspaces.of_sources(engine))
