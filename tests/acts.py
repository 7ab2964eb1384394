"""Events of detection's examples as records of the Public API, and loading them into a store."""

import datetime as dt
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path

from loaders.json_lines import LOADER
from tests.segment_records import Record, line
from trail import ingest
from trail.filters import Filter
from trail.findings import queries
from trail.findings.model import FIRST_DAY, Act, Finding
from trail.findings.refresh import refresh
from trail.model import Batch, Source
from trail.settings import Settings
from trail.store import Store


def record(act: Act, number: int = 0) -> Record:
    """Return *act* as the API gives it; its id comes of what it is, and of *number*."""
    words = f"{act.at}|{act.actor}|{act.action}|{act.target}|{number}"
    return {
        "id": "evt_" + hashlib.sha256(words.encode()).hexdigest()[:22],
        "timestamp": f"{act.at.isoformat(timespec='milliseconds')}Z",
        "type": act.action,
        "actor": act.actor,
        "resourceId": act.target,
        "resourceType": "Thing",
        "resourceName": f"The {act.target}",
    }


def put(store: Store, settings: Settings, acts: Iterable[Act]) -> None:
    """Load *acts* into *store*; each of them must be new."""
    path = settings.store.path.with_name("acts.ndjson")
    seen: dict[Act, int] = {}
    written = io.BytesIO()
    count = 0
    for act in acts:
        seen[act] = seen.get(act, -1) + 1
        written.write(line(record(act, seen[act])) + b"\n")
        count += 1
    path.write_bytes(written.getvalue())
    batch = Batch(path.name, LOADER.name)
    ingest.load(store, batch, LOADER.read(Source(path), settings), settings.limits)
    assert (batch.kept, batch.error) == (count, "")


def evening(day: int) -> dt.datetime:
    """Return the last moment (aware) of the day numbered *day*."""
    return dt.datetime.combine(FIRST_DAY + dt.timedelta(days=day), dt.time(23, 59, 59), dt.UTC)


def judged(store: Store, day: int) -> list[Finding]:
    """Return every finding that is there once the day numbered *day* has been judged."""
    refresh(store, evening(day))
    return queries.queue(store, Filter(), evening(day), everything=True).findings


def folder_store(folder: Path) -> tuple[Store, Settings]:
    """Return a new store in *folder*, and its settings."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(store={"path": folder / "trail.duckdb"})  # type: ignore[arg-type]
    return Store.open(settings.store.path, settings), settings
