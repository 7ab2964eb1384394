"""Connections to the database file, and the upgrade of its tables.

Only `trail.storage` opens DuckDB. A cursor is a connection of its own to the same database.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from trail.core.clock import utc_now
from trail.core.errors import BusyError, UnavailableError
from trail.core.settings import Settings
from trail.storage import failures, query_timeout, schema
from trail.storage.engine import Params

Cursor = duckdb.DuckDBPyConnection

# Kept at what 1.5 can read, so that going back one release stays possible.
STORAGE = "v1.5.0"

# What `unordered` does on purpose.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)

# Rows of one Arrow batch, unless a caller needs fewer.
_BATCH_ROWS = 1_000_000


def attached(
    path: Path, try_again: Callable[[], bool] | None = None, *, read_only: bool = False
) -> Cursor:
    """Return a connection with the database at *path* attached as `trail`; see `Store.open`.

    With *read_only*, nothing is created or changed.
    """
    options = "read_only" if read_only else f"storage_version '{STORAGE}'"
    while True:
        connection = duckdb.connect()
        try:
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
            connection.execute(f"attach $path as trail ({options})", {"path": str(path)})
        except (duckdb.Error, OSError) as error:
            connection.close()
            problem = failures.explain(error, path.name)
            if isinstance(problem, BusyError) and try_again and try_again():
                continue
            raise problem or UnavailableError(
                f"{path.name} cannot be opened.", "Check the file and its folder."
            ) from error
        return connection


def connected(
    path: Path, settings: Settings, try_again: Callable[[], bool] | None = None
) -> Cursor:
    """Return a connection for the server, with all its settings; see `attached`."""
    return _set(attached(path, try_again), settings, path.parent / f"{path.stem}.spill")


def without_database(settings: Settings, spill: Path) -> Cursor:
    """Return a connection that has no tables, to compute with; it may use the folder *spill*."""
    return _set(duckdb.connect(), settings, spill)


def _set(connection: Cursor, settings: Settings, spill: Path) -> Cursor:
    for setting, value in (
        ("TimeZone", "UTC"),
        ("threads", settings.store.threads),
        ("memory_limit", settings.store.memory),
        ("temp_directory", str(spill)),
        ("checkpoint_threshold", "256MB"),
        ("preserve_insertion_order", False),
        ("autoinstall_known_extensions", False),
        ("autoload_known_extensions", False),
    ):
        # Global, since a cursor does not inherit what was set on its connection.
        connection.execute(f"set global {setting} = '{value}'")
    return connection


def migrate(cursor: Cursor) -> None:
    """Bring the tables up to date, in the transaction of *cursor*."""
    cursor.execute(
        "create table if not exists schema_version (version integer, applied_at timestamp)"
    )
    row = cursor.execute("select coalesce(max(version), 0) from schema_version").fetchone()
    for version, sql in schema.pending(row[0] if row else 0):
        cursor.execute(sql)
        cursor.execute(
            "insert into schema_version values ($version, $now)",
            {"version": version, "now": utc_now()},
        )


def arrow(
    cursor: Cursor, sql: str, params: Params | None = None, batch_rows: int = _BATCH_ROWS
) -> pa.Table:
    """Return the whole answer to *sql* as an Arrow table, in batches of at most *batch_rows*.

    See `unordered`, which is faster where the order does not matter.
    """
    return cursor.sql(sql, params=params or {}).to_arrow_table(batch_rows)


def unordered(cursor: Cursor, sql: str) -> pa.Table:
    """Return the whole answer to *sql* as an Arrow table, in any order whatever `order by` says.

    The statement is planned once, and not twice as by `arrow`. Without `preserve_insertion_order`,
    what `execute` makes of a result of several vectors comes in any order.
    """
    return cursor.execute(sql).to_arrow_table()


def ask(cursor: Cursor, sql: str, params: Params | None) -> pa.Table:
    """Return the whole answer to *sql*, within the time that the caller may wait."""
    with in_time(cursor):
        return arrow(cursor, sql, params)


@contextlib.contextmanager
def in_time(cursor: Cursor) -> Iterator[None]:
    """Run a query for as long as the caller may wait."""
    try:
        with query_timeout.bounded(cursor):
            yield
    except (duckdb.InterruptException, OSError) as error:
        # A stream of batches reports everything as OSError.
        if isinstance(error, OSError) and not str(error).startswith("INTERRUPT"):
            raise
        raise query_timeout.problem() from error
