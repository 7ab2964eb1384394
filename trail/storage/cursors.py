"""The cursor of each source, stored in the same transaction as its events.

Separate because both ingest, in the same transaction as the records, and the sources' schedule
write and read them.
"""

import datetime as dt

from trail.core.clock import utc_now
from trail.storage.connection import Cursor
from trail.storage.engine import Engine

# The mark of ingest itself: the `ingested_at` of the chunk that was kept last.
KEPT = "kept"


def put(cursor: Cursor, source: str, mark: str) -> None:
    """Note that *source* stands at *mark*; an empty mark forgets it."""
    cursor.execute("delete from marks where source = $source", {"source": source})
    if mark:
        cursor.execute(
            "insert into marks values ($source, $mark, $now)",
            {"source": source, "mark": mark, "now": utc_now()},
        )


def get(engine: Engine, source: str) -> str:
    """Return the mark of *source*, or an empty string."""
    result = engine.table("select mark from marks where source = $source", {"source": source})
    return str(result["mark"][0]) if result.num_rows else ""


def read(cursor: Cursor, source: str) -> str:
    """Return the mark of *source* inside a transaction, or an empty string."""
    rows = cursor.execute(
        "select mark from marks where source = $source", {"source": source}
    ).fetchall()
    return str(rows[0][0]) if rows else ""


def next_moment(cursor: Cursor) -> dt.datetime:
    """Return the `ingested_at` (UTC, without zone) of the chunk that is kept now.

    Always later than that of the chunk before, even where the machine's clock was set back:
    a reader that follows it must never find new events before its own cursor.
    """
    now, last = utc_now(), read(cursor, KEPT)
    if last:
        now = max(now, dt.datetime.fromisoformat(last) + dt.timedelta(microseconds=1))
    put(cursor, KEPT, now.isoformat())
    return now


def kept(engine: Engine) -> dt.datetime | None:
    """Return the `ingested_at` of the newest chunk, or None where nothing was kept yet."""
    text = get(engine, KEPT)
    return dt.datetime.fromisoformat(text) if text else None
