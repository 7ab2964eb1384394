"""Which files of a drop were loaded, so that none is read twice, however often it is listed.

Separate because the load notes what the drops ask for, and neither needs the other.
"""

from collections.abc import Callable

import pyarrow as pa

from trail.core.clock import utc_now
from trail.storage.connection import Cursor
from trail.storage.engine import Engine


def seen(engine: Engine, source: str) -> Callable[[str, str], bool]:
    """Return `known(key, version)`: whether that version of the file was noted for *source*.

    It answers from memory and knows what was noted up to this call.
    """
    result = engine.table(
        "select key, version from arrivals where source = $source", {"source": source}
    )
    known = set(zip(result["key"].to_pylist(), result["version"].to_pylist(), strict=True))
    return lambda key, version: (key, version) in known


def note_all(cursor: Cursor, source: str, versions: list[tuple[str, str, int | None]]) -> None:
    """Note these (key, version, batch) of *source*."""
    names = ("key", "version", "batch_id")
    rows = [dict(zip(names, version, strict=True)) for version in versions]
    cursor.register("noted_files", pa.Table.from_pylist(rows))
    cursor.execute(
        "insert into arrivals select $source, key, version, batch_id, $now from noted_files",
        {"source": source, "now": utc_now()},
    )


def note(cursor: Cursor, source: str, key: str, version: str, batch_id: int | None) -> None:
    """Note that this version of the file *key* came from *source* and went into that batch."""
    cursor.execute(
        "insert into arrivals values ($source, $key, $version, $batch, $now)",
        {"source": source, "key": key, "version": version, "batch": batch_id, "now": utc_now()},
    )
