"""Demo workspaces of the measured sizes, generated once and stored in bench/.data."""

import datetime as dt
from pathlib import Path

from trail import demo

FOLDER = Path(__file__).parent / ".data"
# Fixed, so that all runs measure the same bytes.
END = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
NOW = END


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
