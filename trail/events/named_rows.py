"""Stream events with their names added here, from tables of names that are read once.

The database then sorts narrow rows and joins nothing, which takes less time and memory than
`events.stream` where all columns are wanted.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from trail.events import events, names
from trail.storage.engine import Engine, Reading
from trail.storage.filters import Filter

_TABLE_ROWS = 1 << 20


def stream(
    engine: Engine,
    reading: Reading,
    filter_: Filter,
    now: dt.datetime,
    columns: Sequence[str],
    change: Callable[[pa.RecordBatch], pa.RecordBatch],
    *,
    rows: int,
    limit: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield all events of *filter_* in order, with *columns* (of `export.COLUMNS`).

    *change* changes texts; it sees each name once, and all else by batch.
    """
    known = {
        name: (names.source(table), key, names.optional(name))
        for table, (key, listed) in names.TABLES.items()
        for name in listed
    } | {"target": ("targets", "target_key", f"{names.TARGET} as target")}
    chosen: dict[tuple[str, str], dict[str, str]] = {}
    for name in columns:
        if name in known:
            place, key, sql = known[name]
            chosen.setdefault((place, key), {})[name] = sql
    tables = [_Names(reading, place, key, sql, change) for (place, key), sql in chosen.items()]
    keys = dict.fromkeys(key for _, key in chosen)
    own = [name for name in columns if name not in known]
    selected = ", ".join([*(names.optional(name) for name in own), *(f"e.{key}" for key in keys)])
    for batch in events.stream_keys(
        engine, reading, filter_, now, selected, rows=rows, limit=limit
    ):
        found = dict(zip(batch.schema.names, change(batch).columns, strict=True))
        for table in tables:
            found |= table.of(found[table.key])
        yield pa.RecordBatch.from_arrays([found[name] for name in columns], list(columns))


class _Names:
    """One table of names: its *columns*, given as SQL by name, by key."""

    def __init__(
        self,
        reading: Reading,
        table: str,
        key: str,
        columns: dict[str, str],
        change: Callable[[pa.RecordBatch], pa.RecordBatch],
    ) -> None:
        self.key = key
        sql = f"select {key}, {', '.join(columns.values())} from {table}"
        batches = [change(batch) for batch in reading.batches(sql, {}, _TABLE_ROWS)]
        keys = np.concatenate([np.zeros(0, np.int32), *(b.column(0).to_numpy() for b in batches)])
        self._places = np.full(int(keys.max(initial=0)) + 1, -1)
        self._places[keys] = np.arange(len(keys))
        self._values = {
            name: pa.concat_arrays([batch.column(number) for batch in batches])
            for number, name in enumerate(columns, 1)
            if batches
        }

    def of(self, keys: pa.Array) -> dict[str, pa.Array]:
        """Return the columns for *keys*."""
        places = self._places[keys.to_numpy()]
        rows = pa.array(places, mask=places < 0)
        return {name: values.take(rows) for name, values in self._values.items()}
