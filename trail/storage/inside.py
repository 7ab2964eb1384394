"""An engine that reads through one cursor: inside a transaction, with what it has written."""

import contextlib
from collections.abc import Callable, Iterator

import pyarrow as pa

from trail.storage.connection import Cursor, ask, in_time
from trail.storage.engine import Params, Reading

# After so many rows a stream has what it has read released: it is rarely read again soon.
_STREAMED_ROWS = 250_000


class Inside:
    """The `Engine` of *cursor*. *release* is called from time to time while rows are streamed."""

    name = "duckdb"

    def __init__(self, cursor: Cursor, release: Callable[[], None] | None = None) -> None:
        self._cursor, self._release = cursor, release

    def table(self, sql: str, params: Params | None = None) -> pa.Table:
        """Return the answer to *sql* as one Arrow table."""
        return ask(self._cursor, sql, params)

    def reading(self) -> contextlib.AbstractContextManager[Reading]:
        """Give the same cursor to stream from; it stays open."""
        return contextlib.nullcontext(_Reading(self._cursor, self._release))

    def cancel(self) -> None:
        """Interrupt the query that runs now."""
        self._cursor.interrupt()


class _Reading:
    def __init__(self, cursor: Cursor, release: Callable[[], None] | None) -> None:
        self._cursor, self._release = cursor, release
        self._streamed = 0  # rows since the last release

    def batches(self, sql: str, params: Params, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the answer in batches of about *rows* rows, without holding it whole."""
        with in_time(self._cursor):
            # `execute(...)` would hold the whole answer; only `sql(...)` streams.
            reader = self._cursor.sql(sql, params=params).to_arrow_reader(rows)
        while True:
            with in_time(self._cursor):
                batch = next(reader, None)
            if batch is None:
                break
            self._streamed += batch.num_rows
            yield batch
        if self._release and self._streamed >= _STREAMED_ROWS:
            self._streamed = 0
            self._release()
