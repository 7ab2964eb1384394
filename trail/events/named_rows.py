"""Stream events with their names added here, from tables of names that are read once.

The database then sorts narrow rows and joins nothing, which takes less time and memory than
`events.stream` where all columns are wanted.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from trail.events import events, names
from trail.storage.database import Engine, Reading
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
    """Yield all events of *filter_* in order, with *columns* (of `RECORD_COLUMNS`).

    *change* changes texts; it sees each name once, and all else by batch.
    """
    tables = [
        _Names(reading, table, key, [name for name in known if name in columns], change)
        for table, (key, known) in names.TABLES.items()
        if any(name in columns for name in known)
    ]
    keys = [table.key for table in tables]
    named = {column for table in tables for column in table.columns}
    own = [name for name in columns if name not in named]
    selected = ", ".join([*(names.optional(name) for name in own), *(f"e.{key}" for key in keys)])
    for batch in events.stream_keys(
        engine, reading, filter_, now, selected, rows=rows, limit=limit
    ):
        found = dict(zip(batch.schema.names, change(batch).columns, strict=True))
        for table in tables:
            found |= table.of(found.pop(table.key))
        yield pa.RecordBatch.from_arrays([found[name] for name in columns], list(columns))


class _Names:
    """One table of names: its *columns* by key."""

    def __init__(
        self,
        reading: Reading,
        table: str,
        key: str,
        columns: list[str],
        change: Callable[[pa.RecordBatch], pa.RecordBatch],
    ) -> None:
        self.key, self.columns = key, columns
        sql = f"select {key}, {', '.join(map(names.optional, columns))} from {table}"
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
