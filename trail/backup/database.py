"""What only the database itself can do for a backup: copy itself, and compare itself with another.

Separate since it is all there is of SQL here. The copy is made by DuckDB from one snapshot: copying
the file would need its log folded in and nobody writing, and to open it twice would drop its lock.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from trail.store import STORAGE, Cursor, Store

_COPY, _OTHER = "backup_copy", "other"


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds: its schema's version, counts, and the newest event (UTC, no zone)."""

    schema: int
    events: int
    batches: int
    seals: int
    newest_event: datetime | None


_HOLDS = """
select (select max(version) from schema_version), (select count(*) from events),
 (select count(*) from batches), (select count(*) from seals),
 (select max(occurred_at) from events)
"""


@dataclass(frozen=True, slots=True)
class Lacking:
    """Events that another database has and this one lacks, and when the first and last happened."""

    events: int
    first: datetime | None
    last: datetime | None


_LACKING = f"""
select count(*), min(occurred_at), max(occurred_at) from {_OTHER}.events
where event_id not in (select event_id from trail.events)
"""


def copy_to(store: Store, path: Path) -> Copied:
    """Copy *store* as it is now to a new file at *path*; return what it holds.

    Runs beside the writer, which goes on.
    """
    cursor = store.cursor()
    try:
        with _attached(cursor, path, _COPY, f"storage_version '{STORAGE}'"):
            cursor.execute("begin")
            row = cursor.execute(_HOLDS).fetchall()[0]  # takes the snapshot that is copied
            cursor.execute(f"copy from database trail to {_COPY}")
            cursor.execute("commit")
            cursor.execute(f"checkpoint {_COPY}")
        return Copied(*row)
    finally:
        cursor.close()


def lacking(store: Store, path: Path) -> Lacking | None:
    """Return what the closed database at *path* has and *store* lacks; None when it does not open.

    Nothing in *path* is changed.
    """
    cursor = store.cursor()
    try:
        with _attached(cursor, path, _OTHER, "read_only"):
            return Lacking(*cursor.execute(_LACKING).fetchall()[0])
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
