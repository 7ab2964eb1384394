"""The demo workspace's own database: created if nothing is connected yet, replaced when outdated.

Filled through the ordinary loaders, so that the demo shows what real files would.
"""

import datetime as dt
import tempfile
from pathlib import Path

from trail.core.clock import utc_now
from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.ingest.files import load_files
from trail.storage.database import Store

EVENTS = 20_000
_STALE = dt.timedelta(hours=20)


def open_store(path: Path, settings: Settings) -> Store:
    """Open the demo database at *path*, created or replaced so that it extends to today."""
    if path.exists():
        store = Store.open(path, settings)
        newest = store.table("select max(occurred_at) as at_time from events")["at_time"][0].as_py()
        if newest and utc_now() - newest < _STALE:
            return store
        store.close()
        path.unlink()
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    store = Store.open(path, settings)
    _fill(store, settings)
    return store


def _fill(store: Store, settings: Settings) -> None:
    from trail import demo  # imports numpy, which only the demo needs

    now = utc_now()
    with tempfile.TemporaryDirectory() as folder:
        all_events = Path(folder) / "all_events.ndjson"
        # The generator ends at midnight: generate up to the next one and cut at the current time.
        demo.write(all_events, EVENTS, 90, 1, end=now + dt.timedelta(days=1))
        until_now = Path(folder) / "demo-workspace.ndjson"
        now_text = now.isoformat(timespec="milliseconds")
        with all_events.open() as lines, until_now.open("w") as file:
            file.writelines(line for line in lines if _time(line) <= now_text)
        for batch in load_files(store, settings, [until_now]):
            if batch.error:
                raise UnavailableError("The demo workspace could not be created.", batch.error)


def _time(line: str) -> str:
    prefix = '"timestamp":"'
    start = line.index(prefix) + len(prefix)
    return line[start : start + 23]
