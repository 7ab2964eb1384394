"""Items about collecting events: sources that fail, gaps, and refused records."""

import datetime as dt

from trail.attention.item import Item, Urgency, page_of
from trail.core.clock import naive_utc
from trail.core.settings import Settings
from trail.core.text import count, one_line
from trail.events import coverage
from trail.incidents.incident_text import duration_text
from trail.ingest import quarantine
from trail.storage import collected_by
from trail.storage.database import Engine
from trail.triage.records import subject

_GAP_DAYS = dt.timedelta(days=7)
# What nobody collected for this long may hide something.
_LONG_GAP = dt.timedelta(hours=1)


def sources(engine: Engine, settings: Settings, now: dt.datetime) -> list[Item]:
    """Return an item for each source that fails, or is silent although it usually is not."""
    del settings
    rows = engine.table(
        "select source, max(to_at) filter (state = 'watched') as watched, "
        "max(to_at) filter (state = 'failed') as failed, "
        "arg_max(from_at, to_at) filter (state = 'failed') as since, "
        "arg_max(detail, to_at) filter (state = 'failed') as message "
        "from watches where state in ('watched', 'failed') group by source "
        "having failed > coalesce(watched, failed - interval 1 second) order by source"
    ).to_pylist()
    return [
        Item(
            subject("source", row["source"]),
            "source",
            "now",
            f"{name_of(row['source'])} fails",
            f"Source · {one_line(row['message'])}",
            row["watched"] or row["since"],
            page_of("source"),
            "open",
            "Open sources",
        )
        for row in rows
    ]


def gaps(engine: Engine, now: dt.datetime) -> list[Item]:
    """Return an item for each gap of a source in the last week that no other source covers.

    A part that another source covers is not counted. Latest first.
    """
    end = naive_utc(now)
    start = end - _GAP_DAYS
    uncovered = [
        (span.start, span.end) for span in coverage.spans(engine, start, end) if span.state == "gap"
    ]
    result = []
    for source, spans in coverage.source_gaps(engine, start, end).items():
        for first, last in spans:
            missing = sum(
                (
                    max(min(last, end_) - max(first, start_), dt.timedelta())
                    for start_, end_ in uncovered
                ),
                dt.timedelta(),
            )
            if missing:
                result.append(_gap(source, first, last, missing))
    return sorted(result, key=lambda item: (item.since, item.subject), reverse=True)


def _gap(source: str, first: dt.datetime, last: dt.datetime, missing: dt.timedelta) -> Item:
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
        f"{name_of(source)} did not collect for {length}",
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
    return [_refused(loader, rows) for loader, rows in by_loader.items()]


def _refused(loader: str, rows: list[dict[str, object]]) -> Item:
    records = sum(int(str(row["records"])) for row in rows)
    first = min(row["seen_at"] for row in rows if isinstance(row["seen_at"], dt.datetime))
    others = len({row["reason"] for row in rows}) - 1
    more = f" and {count(others, 'other reason')}" if others else ""
    return Item(
        subject("quarantine", loader),
        "quarantine",
        "soon",
        f"{count(records, 'record')} in quarantine",
        f"{name_of(loader)} · {one_line(rows[0]['reason'])}{more}",
        first,
        page_of("quarantine"),
        "open",
        "Review records",
    )


def name_of(source: str) -> str:
    """Return what people read for a source or loader."""
    way = collected_by.WAYS.get(source, source)
    return collected_by.NAMES.get(way, source)
