"""Load the events of detector examples into a database and read the findings."""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from loaders.json_lines import LOADER
from tests.segment_records import Record, line
from trail.core.model import Batch, Source
from trail.core.settings import Settings
from trail.findings import queries
from trail.findings.detector import FIRST_DAY, ExampleEvent
from trail.findings.model import Finding
from trail.findings.refresh import refresh
from trail.ingest import pipeline
from trail.storage.duckdb import Store
from trail.storage.filters import Filter


def record(event: ExampleEvent, number: int = 0) -> Record:
    """Return *event* as the Public API sends it; the id is derived from the event and *number*."""
    text = f"{event.at}|{event.actor}|{event.action}|{event.target}|{number}"
    return {
        "id": "evt_" + hashlib.sha256(text.encode()).hexdigest()[:22],
        "timestamp": f"{event.at.isoformat(timespec='milliseconds')}Z",
        "type": event.action,
        "actor": event.actor,
        "resourceId": event.target,
        "resourceType": "Thing",
        "resourceName": f"The {event.target}",
    }


def load(store: Store, settings: Settings, events: Iterable[ExampleEvent]) -> None:
    """Load *events* into *store* and assert that none was loaded before."""
    path = settings.store.path.with_name("events.ndjson")
    seen: Counter[ExampleEvent] = Counter()
    lines = []
    for event in events:
        lines.append(line(record(event, seen[event])) + b"\n")
        seen[event] += 1
    path.write_bytes(b"".join(lines))
    batch = Batch(path.name, LOADER.name)
    pipeline.load(store, batch, LOADER.read(Source(path), settings), settings.limits)
    assert (batch.kept, batch.error) == (len(lines), "")


def end_of_day(day: int) -> dt.datetime:
    """Return the last second (UTC, aware) of the day numbered *day*."""
    return dt.datetime.combine(FIRST_DAY + dt.timedelta(days=day), dt.time(23, 59, 59), dt.UTC)


def findings(store: Store, day: int) -> list[Finding]:
    """Return all findings, scored up to the end of the day numbered *day*."""
    refresh(store, end_of_day(day))
    return queries.queue(store, Filter(), end_of_day(day), everything=True).findings


def open_store(folder: Path) -> tuple[Store, Settings]:
    """Return a new database in *folder* and its settings."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(store={"path": folder / "trail.duckdb"})  # type: ignore[arg-type]
    return Store.open(settings.store.path, settings), settings
