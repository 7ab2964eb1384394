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
        whole = Path(folder) / "whole.ndjson"
        # The generator ends at a midnight. Up to the next one, cut at the present moment.
        demo.write(whole, EVENTS, 90, 1, end=now + dt.timedelta(days=1))
        past = Path(folder) / "demo-workspace.ndjson"
        moment = now.isoformat(timespec="milliseconds")
        with whole.open() as lines, past.open("w") as kept:
            kept.writelines(line for line in lines if _time(line) <= moment)
        for batch in load_files(store, settings, [past]):
            if batch.error:
                raise UnavailableError("The demo workspace could not be created.", batch.error)


def _time(line: str) -> str:
    mark = '"timestamp":"'
    start = line.index(mark) + len(mark)
    return line[start : start + 23]
