"""Where each source stands: a few words of its own, kept beside the events that they follow.

Separate because both ingest, in the same transaction as the records, and the sources' schedule
write and read them.
"""

from trail.store import Cursor, Engine, utc_now


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
    found = engine.table("select mark from marks where source = $source", {"source": source})
    return str(found["mark"][0]) if found.num_rows else ""


def read(cursor: Cursor, source: str) -> str:
    """Return the mark of *source* inside a transaction, or an empty string."""
    found = cursor.execute(
        "select mark from marks where source = $source", {"source": source}
    ).fetchall()
    return str(found[0][0]) if found else ""
