"""Query a database that no server has open, without changing or upgrading it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from trail.storage import failures, schema
from trail.storage.connection import Cursor, arrow, attached
from trail.storage.engine import Params, Reading


class ReadOnly:
    """The database in the file *path*, opened for reading. It is an `Engine`."""

    name = "duckdb"

    def __init__(self, cursor: Cursor, path: Path) -> None:
        self._cursor, self.path = cursor, path

    def table(self, sql: str, params: Params | None = None) -> pa.Table:
        """Return the whole result; raises `UnavailableError` for a damaged database."""
        try:
            return arrow(self._cursor, sql, params)
        except duckdb.Error as error:
            raise failures.damage(error, self.path.name) or error from error

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reading]:
        """Return a snapshot for streaming; nothing else writes to the file meanwhile."""
        yield self

    def batches(self, sql: str, params: Params, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the result in batches of about *rows* rows."""
        yield from self._cursor.sql(sql, params=params).to_arrow_reader(rows)

    def cancel(self) -> None:
        """Interrupt the query that runs now."""
        self._cursor.interrupt()

    def schema_version(self) -> int:
        """Return the version of the tables; raises `InputError` if a newer release wrote them."""
        version = int(
            self.table("select max(version) as version from schema_version")[0][0].as_py()
        )
        schema.pending(version)
        return version


@contextlib.contextmanager
def opened(path: Path) -> Iterator[ReadOnly]:
    """Yield the database at *path*.

    Raises `BusyError` while another process has it open, and `UnavailableError` if it cannot be
    read.
    """
    connection = attached(path, read_only=True)
    try:
        connection.execute("use trail; set global TimeZone = 'UTC'")
        yield ReadOnly(connection, path)
    finally:
        connection.close()
