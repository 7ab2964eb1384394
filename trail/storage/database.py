"""The database: the only place that opens DuckDB, one writer, and cursors for readers.

One process owns the file. Writes are jobs on a queue that one thread takes in turn, each in a
transaction; reads get a cursor of their own and never wait for a writer.
"""

import contextlib
import datetime as dt
import itertools
import os
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import duckdb
import pyarrow as pa

from trail.core import clock
from trail.core.clock import utc_now
from trail.core.errors import BusyError, UnavailableError
from trail.core.settings import Settings
from trail.storage import failures, query_timeout, schema, shared_results

T = TypeVar("T")
Params = dict[str, Any]
Cursor = duckdb.DuckDBPyConnection

# Kept at what 1.5 can read, so that going back one release stays possible.
STORAGE = "v1.5.0"

# How long `Store.now` may stay the same.
HELD_S = 15.0
# Cursors that wait for the next query. Making one takes as long as a small query.
_MAX_IDLE = 8
# What `release_blocks` leaves, the use of other memory at which it does nothing, and that use.
_KEPT_BYTES, _BUSY_BYTES = 32 << 20, 128 << 20
# After so many rows a stream has what it has read released: it is rarely read again soon.
_STREAMED_ROWS = 250_000
# How long a stream waits for the writer to do so.
_RELEASE_S = 1.0
_USED_OTHERWISE = (
    "select coalesce(sum(memory_usage_bytes) filter (tag <> 'BASE_TABLE'), 0)::bigint "
    "from duckdb_memory()"
)
_numbers = itertools.count(1)


class Engine(Protocol):
    """What the queries need: SQL and parameters in, Arrow out."""

    def table(self, sql: str, params: Params | None = None) -> pa.Table:
        """Return the whole answer."""
        ...

    def reading(self) -> contextlib.AbstractContextManager["Reading"]:
        """Return one snapshot to stream from."""
        ...


class Reading(Protocol):
    """One snapshot of the store, streamed from."""

    def batches(self, sql: str, params: Params, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the answer in batches of about *rows* rows."""
        ...


class Store:
    """An open database. `Store.open` makes one; `close` ends it after the queued writes."""

    def __init__(self, connection: Cursor, path: Path, memory: str) -> None:
        self._connection = connection
        self.path = path
        self._memory = memory
        # Runs once the file is closed: for what lives as long as the store does.
        self.afterwards = contextlib.ExitStack()
        # Runs after the last write, while the store still answers.
        self.beforehand = contextlib.ExitStack()
        # What no other store of this process has, and what no other state of the data has.
        self.number, self.version = next(_numbers), 0
        self._held = 0, dt.datetime.now(dt.UTC)
        self.afterwards.callback(shared_results.RESULTS.forget, self.number)
        # Called on the writer after each commit; must return immediately.
        self.committed: Callable[[], None] = _nobody
        # The first error that showed the database to be damaged.
        self._damage: UnavailableError | None = None
        # Stays open as long as the database is: see `failures.file_damage`.
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._jobs: queue.SimpleQueue[_Queued | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._idle: list[Cursor] = []
        self._releasing, self._releases = threading.Lock(), 0
        self._writer = threading.Thread(target=self._write_loop, name="trail-writer", daemon=True)
        self._writer.start()

    @classmethod
    def open(
        cls, path: Path, settings: Settings, try_again: Callable[[], bool] | None = None
    ) -> "Store":
        """Open or create the database at *path* and bring its tables up to date.

        While another process has it open, *try_again* is called after each attempt; it waits and
        returns whether to go on. Raises `BusyError` when it does not, `UnavailableError` when the
        file or disk prevents it, and `InputError` when a newer release wrote the database.
        """
        path = path.absolute()
        connection = attached(path, try_again)
        for setting, value in (
            ("TimeZone", "UTC"),
            ("threads", settings.store.threads),
            ("memory_limit", settings.store.memory),
            ("temp_directory", str(path.parent / f"{path.stem}.spill")),
            ("checkpoint_threshold", "256MB"),
            ("preserve_insertion_order", False),
            ("autoinstall_known_extensions", False),
            ("autoload_known_extensions", False),
        ):
            # Global, since a cursor does not inherit what was set on its connection.
            connection.execute(f"set global {setting} = '{value}'")
        store = cls(connection, path, settings.store.memory)
        try:
            store.write(_migrate)
        except BaseException as error:
            store.close()
            raise failures.explain(error, path.name) or error from error
        return store

    def cursor(self) -> Cursor:
        """Return a new cursor; the caller closes it."""
        cursor = self._connection.cursor()
        cursor.execute("use trail")
        return cursor

    def damage(self) -> UnavailableError | None:
        """Return the error of a damaged database, or None; reads only the headers of the file."""
        return self._damage or failures.file_damage(self.path, self._descriptor)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Note damage that a query meets, and raise it as `UnavailableError`."""
        try:
            yield
        except duckdb.Error as error:
            damage = failures.damage(error, self.path.name)
            if damage is None:
                raise
            self._damage = self._damage or damage
            raise damage from error

    def now(self) -> dt.datetime:
        """Return the present moment (aware), unchanged for `HELD_S` seconds while the data is.

        For pages: with the same moment, their relative windows are the same, and so share results.
        """
        version, held = self._held
        now = dt.datetime.now(dt.UTC)
        if version != self.version or not 0 <= (now - held).total_seconds() < HELD_S:
            self._held = self.version, now
            return now
        return held

    def table(self, sql: str, params: Params | None = None) -> pa.Table:
        """Return the answer to *sql* as one Arrow table.

        Raises `UnavailableError` after the query timeout, and for a damaged database.
        """
        place = self.number, self.version
        return _shared(place, (sql, params), lambda: self._asked(sql, params), _bytes_of)

    def shared(
        self, asked: tuple[object, ...], make: Callable[[], T], size: Callable[[T], int]
    ) -> T:
        """Return what *make* makes of the data, shared like the result of a query.

        Nobody may change it. *asked* names what it is and all it depends on besides the data, and
        *size* returns its bytes.
        """
        return _shared((self.number, self.version), asked, make, size)

    def _asked(self, sql: str, params: Params | None) -> pa.Table:
        with self.explained():
            before = self._releases
            try:
                return self._asked_once(sql, params)
            except duckdb.OutOfMemoryException:
                with self._releasing:
                    if self._releases == before:
                        raise
                    return self._asked_once(sql, params)  # the limit was lower for a moment

    def _asked_once(self, sql: str, params: Params | None) -> pa.Table:
        with self._used_cursor() as cursor:
            return _table(cursor, sql, params)

    @contextlib.contextmanager
    def _used_cursor(self) -> Iterator[Cursor]:
        """Give a cursor that other queries have used and will use; after an error it is closed."""
        try:
            cursor = self._idle.pop()
        except IndexError:
            cursor = self.cursor()
        try:
            yield cursor
        except BaseException:
            cursor.close()
            raise
        self._idle.append(cursor)
        if self._closed or len(self._idle) > _MAX_IDLE:
            self._close_idle(_MAX_IDLE if not self._closed else 0)

    def _close_idle(self, kept: int = 0) -> None:
        while len(self._idle) > kept:
            with contextlib.suppress(IndexError):  # another thread was faster
                self._idle.pop().close()

    @contextlib.contextmanager
    def reading(self) -> Iterator["Reading"]:
        """Give one consistent snapshot to stream from, whatever is written meanwhile."""
        with self.snapshot() as engine, engine.reading() as reading:
            yield reading

    @contextlib.contextmanager
    def snapshot(self) -> Iterator["Inside"]:
        """Give one consistent snapshot to ask and to stream from, one thing after the other."""
        with self.explained():
            cursor = self.cursor()
            try:
                cursor.execute("begin")
                # The snapshot is taken by the first read, not by `begin`.
                cursor.execute("select version from schema_version").fetchall()
                yield Inside(cursor, self)
            finally:
                cursor.close()

    @contextlib.contextmanager
    def narrowed(self, tables: dict[str, str], views: dict[str, str]) -> Iterator[Engine]:
        """Give an engine for which each name of *tables* means what its SELECT found.

        Each name of *views* means its SELECT, which is run for each query. The names hide the
        store's own tables of these names, in this engine alone, and later ones read the earlier
        ones. They are made for the first query that needs them.
        """
        engine = _Narrowed(self, tables, views)
        try:
            yield engine
        finally:
            engine.close()

    def submit(self, job: Callable[[Cursor], T], *, versioned: bool = True) -> "Future[T]":
        """Queue *job* for the writer: it runs alone, in one transaction, and is committed.

        Without *versioned* the version of the data stays as it is: for a job that changes only
        tables of `shared_results.UNVERSIONED`.
        """
        return self._queue(job, transaction=True, versioned=versioned)

    def write(self, job: Callable[[Cursor], T]) -> T:
        """Run *job* on the writer and return what it returns, once it is committed."""
        return self.submit(job).result()

    def release_blocks(self) -> bool:
        """Give back the memory of blocks that DuckDB keeps; return whether it was possible.

        DuckDB does so only for a lower limit, which is set for a moment between two writes. Does
        nothing while other things take much memory, such as a load. Raises `UnavailableError` if
        the store is stopping.
        """
        return self._queue(self._release_blocks, transaction=False).result()

    def release_blocks_between(self) -> None:
        """Do the same between two queries of a stream, unless writes take long just now."""
        with contextlib.suppress(UnavailableError):
            release = self._queue(self._release_blocks, transaction=False)
            try:
                release.result(_RELEASE_S)
            except TimeoutError:
                # Not while the stream goes on: nothing would repeat its query.
                if not release.cancel():
                    release.result()

    def _release_blocks(self, cursor: Cursor) -> bool:
        ((used,),) = cursor.execute(_USED_OTHERWISE).fetchall()
        if used > _BUSY_BYTES:
            return False
        with self._releasing:
            self._releases += 1
            try:
                # In one call, so that the lower limit is over as soon as it can be.
                cursor.execute(
                    f"set global memory_limit = '{used + _KEPT_BYTES} bytes'; "
                    f"set global memory_limit = '{self._memory}'"
                )
            except duckdb.OutOfMemoryException:
                return False  # the blocks are in use
            finally:
                cursor.execute(f"set global memory_limit = '{self._memory}'")
                self._releases += 1
        return True

    def checkpoint(self) -> None:
        """Fold the log into the file, so that the room of removed rows is used again.

        Waits for its turn on the writer; readers go on.
        """
        self._queue(lambda cursor: cursor.execute("checkpoint trail"), transaction=False).result()

    def _queue(
        self, job: Callable[[Cursor], T], *, transaction: bool, versioned: bool = True
    ) -> "Future[T]":
        future: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise UnavailableError("The store is stopping.", "Try again in a moment.")
            self._jobs.put(_Queued(clock.carried(job), future, transaction, versioned))
        return future

    def close(self) -> None:
        """Finish the queued writes, checkpoint, and close the file."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._writer.join()
        self.beforehand.close()
        with contextlib.suppress(duckdb.Error):
            self._connection.execute("checkpoint trail")
        self._close_idle()
        self._connection.close()
        os.close(self._descriptor)
        self._descriptor = -1
        self.afterwards.close()

    def _write_loop(self) -> None:
        cursor = self.cursor()
        while (item := self._jobs.get()) is not None:
            if not item.future.set_running_or_notify_cancel():
                continue
            before = self._log_bytes()
            try:
                with self.explained():
                    if item.transaction:
                        cursor.execute("begin")
                    result = item.job(cursor)
                    if item.transaction:
                        cursor.execute("commit")
                # A transaction without changes adds nothing to the log.
                if (
                    item.transaction
                    and item.versioned
                    and (before is None or before != self._log_bytes())
                ):
                    self.version += 1
            except BaseException as error:
                self.version += 1
                with contextlib.suppress(duckdb.Error):
                    cursor.execute("rollback")
                item.future.set_exception(error)
            else:
                if item.transaction:
                    self.committed()
                item.future.set_result(result)
            del item  # a job may hold the records of a whole chunk
        cursor.close()

    def _log_bytes(self) -> int | None:
        """Return the length of the write-ahead log, which only grows until it is removed."""
        try:
            return self.path.with_name(f"{self.path.name}.wal").stat().st_size
        except FileNotFoundError:
            return None


@dataclass(frozen=True, slots=True)
class _Queued:
    """A job for the writer, who waits for it, if it needs a transaction, if it changes data."""

    job: Callable[[Cursor], Any]
    future: Future[Any]
    transaction: bool
    versioned: bool


class _Narrowed:
    def __init__(self, store: Store, tables: dict[str, str], views: dict[str, str]) -> None:
        self._store, self._tables, self._views = store, tables, views
        # Of the data that the tables are made of, even if they are made or read later.
        self._place = store.number, store.version
        self._cursor: Cursor | None = None
        self.reading = store.reading

    def table(self, sql: str, params: Params | None = None) -> pa.Table:
        asked = (self._tables, self._views, sql, params)
        return _shared(self._place, asked, lambda: self._asked(sql, params), _bytes_of)

    def close(self) -> None:
        if self._cursor is not None:
            self._cursor.close()

    def _asked(self, sql: str, params: Params | None) -> pa.Table:
        with self._store.explained():
            if self._cursor is None:
                self._cursor = self._made()
            return _table(self._cursor, sql, params)

    def _made(self) -> Cursor:
        """Return a cursor with all tables; one with some would read the store's own others."""
        cursor = self._store.cursor()
        try:
            for kind, made in (("table", self._tables), ("view", self._views)):
                for name, select in made.items():
                    with _in_time(cursor):
                        cursor.execute(f"create temp {kind} {name} as {select}")
        except BaseException:
            cursor.close()
            raise
        return cursor


class Inside:
    """An engine that reads through *cursor*: inside a transaction, what it has written so far."""

    def __init__(self, cursor: Cursor, store: Store | None = None) -> None:
        self._cursor = cursor
        self._store = store

    def table(self, sql: str, params: Params | None = None) -> pa.Table:
        """Return the answer to *sql* as one Arrow table."""
        return _table(self._cursor, sql, params)

    def reading(self) -> contextlib.AbstractContextManager["Reading"]:
        """Give the same cursor to stream from; it stays open."""
        return contextlib.nullcontext(_Reading(self._cursor, self._store))


class _Reading:
    def __init__(self, cursor: Cursor, store: Store | None) -> None:
        self._cursor = cursor
        self._store = store
        self._streamed = 0  # rows since the last release

    def batches(self, sql: str, params: Params, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the answer in batches of about *rows* rows, without holding it whole."""
        with _in_time(self._cursor):
            # `execute(...)` would hold the whole answer; only `sql(...)` streams.
            reader = self._cursor.sql(sql, params=params).to_arrow_reader(rows)
        while True:
            with _in_time(self._cursor):
                batch = next(reader, None)
            if batch is None:
                break
            self._streamed += batch.num_rows
            yield batch
        if self._store and self._streamed >= _STREAMED_ROWS:
            self._streamed = 0
            self._store.release_blocks_between()


def _shared(
    place: tuple[int, int],
    asked: tuple[object, ...],
    ask: Callable[[], T],
    size_of: Callable[[T], int],
) -> T:
    """Return the answer of *ask*, shared with others where `shared_results` allows it."""
    if not shared_results.are_shared(asked):
        return ask()
    seconds = query_timeout.allowed()
    found = shared_results.RESULTS.result(place, asked, ask, size_of, seconds)
    if found is None:
        raise query_timeout.problem()
    return found


def _bytes_of(table: pa.Table) -> int:
    return int(table.get_total_buffer_size())


def _table(cursor: Cursor, sql: str, params: Params | None) -> pa.Table:
    with _in_time(cursor):
        return cursor.sql(sql, params=params or {}).to_arrow_table()


@contextlib.contextmanager
def _in_time(cursor: Cursor) -> Iterator[None]:
    """Run a query for as long as the caller may wait."""
    try:
        with query_timeout.bounded(cursor):
            yield
    except (duckdb.InterruptException, OSError) as error:
        # A stream of batches reports everything as OSError.
        if isinstance(error, OSError) and not str(error).startswith("INTERRUPT"):
            raise
        raise query_timeout.problem() from error


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


def _nobody() -> None:
    """Hear of a commit, and do nothing."""


def _migrate(cursor: Cursor) -> None:
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
