"""Demo workspaces of the measured sizes, generated once and stored in bench/.data."""

import datetime as dt
import shutil
from pathlib import Path

from trail import demo
from trail.core.errors import InputError
from trail.core.model import Batch
from trail.core.settings import load as load_settings
from trail.ingest.files import load_files
from trail.storage import cube
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

FOLDER = Path(__file__).parent / ".data"
# Fixed, so that all runs measure the same bytes.
END = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
NOW = END
# Larger workspaces repeat this one, since their text would not fit on a usual disk.
LARGEST = 10_000_000


def ndjson(events: int) -> Path:
    """Return the NDJSON file of a demo workspace with *events* events; create it if missing."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"demo-{events}.ndjson"
    if not path.exists():
        fresh = path.with_suffix(".part")
        demo.write(fresh, events, 90, 1, end=END)
        fresh.replace(path)
    return path


def database(events: int) -> Path:
    """Return the path of the database with *events* events."""
    return FOLDER / f"demo-{events}.duckdb"


def loaded(events: int) -> Path:
    """Return the database with *events* events; load or multiply it if missing."""
    path = database(events)
    if not path.exists():
        if events > LARGEST:
            shutil.copy(loaded(LARGEST), path)
            _multiply(path, events // LARGEST)
        else:
            load(ndjson(events), path)
    return path


def load(source: Path, path: Path) -> Batch:
    """Load the file *source* into the database at *path* and return its batch.

    Raises `InputError` unless each of its records was kept, or was there already.
    """
    settings = load_settings()
    store = Store.open(path, settings)
    try:
        (batch,) = load_files(store, settings, [source])
    finally:
        store.close()
    if batch.error or batch.read != batch.kept + batch.duplicates:
        raise InputError(f"{source.name} was not loaded whole.", batch.error)
    return batch


def _multiply(path: Path, times: int) -> None:
    """Repeat each event of *path* within its second, with a new id and without its raw record."""
    store = Store.open(path, load_settings())
    days = store.table("select distinct occurred_at::date as day from events order by day")

    def repeat(cursor: Cursor) -> None:
        cursor.execute("create temp table once as select * replace (null as raw) from events")
        cursor.execute("delete from events")
        for day in days["day"].to_pylist():
            cursor.execute(
                "insert into events select * exclude (copy) "
                "replace (event_id || '-' || copy as event_id, "
                "occurred_at + copy * interval 7 millisecond as occurred_at) "
                "from once, range($times) copies(copy) where occurred_at::date = $day "
                "order by occurred_at",
                {"times": times, "day": day},
            )
        cube.rebuild(cursor, "true", "true")

    store.write(repeat)
    store.close()
