"""Copy the database from one snapshot, and compare it with another database.

Copying the file would require a checkpoint and no writers, and opening it twice would release its
lock, so DuckDB makes the copy.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from trail.storage.connection import STORAGE, Cursor
from trail.storage.duckdb import Store

_COPY, _OTHER = "backup_copy", "other"


@dataclass(frozen=True, slots=True)
class Copy:
    """Contents of a copy: schema version, counts, and the newest event (UTC, without zone)."""

    schema: int
    events: int
    batches: int
    seals: int
    newest_event: datetime | None


_CONTENTS = """
select (select max(version) from schema_version), (select count(*) from events),
 (select count(*) from batches), (select count(*) from seals),
 (select max(occurred_at) from events)
"""


@dataclass(frozen=True, slots=True)
class MissingEvents:
    """Events that only another database contains: count, first and last time (UTC, no zone)."""

    events: int
    first: datetime | None
    last: datetime | None


_MISSING = f"""
select count(*), min(occurred_at), max(occurred_at) from {_OTHER}.events
where event_id not in (select event_id from trail.events)
"""


def copy_to(store: Store, path: Path) -> Copy:
    """Copy *store* to a new file at *path*, while writes continue; return its contents."""
    cursor = store.cursor()
    try:
        with _attached(cursor, path, _COPY, f"storage_version '{STORAGE}'"):
            cursor.execute("begin")
            row = cursor.execute(_CONTENTS).fetchall()[0]  # takes the snapshot that is copied
            cursor.execute(f"copy from database trail to {_COPY}")
            cursor.execute("commit")
            cursor.execute(f"checkpoint {_COPY}")
        return Copy(*row)
    finally:
        cursor.close()


def missing_events(store: Store, path: Path) -> MissingEvents | None:
    """Return what only the closed database at *path* contains; None if it cannot be opened."""
    cursor = store.cursor()
    try:
        with _attached(cursor, path, _OTHER, "read_only"):
            return MissingEvents(*cursor.execute(_MISSING).fetchall()[0])
    except duckdb.Error:
        return None
    finally:
        cursor.close()


@contextlib.contextmanager
def _attached(cursor: Cursor, path: Path, name: str, how: str) -> Iterator[None]:
    cursor.execute(f"attach $path as {name} ({how})", {"path": str(path)})
    try:
        yield
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            cursor.execute("rollback")
        raise
    finally:
        with contextlib.suppress(duckdb.Error):
            cursor.execute(f"detach {name}")
