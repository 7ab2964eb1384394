"""The database in DuckDB: one writer, and cursors for readers.

One process owns the file. Writes are jobs on a queue that one thread takes in turn, each in a
transaction; reads get a cursor of their own and never wait for a writer.
"""

import contextlib
import datetime as dt
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow as pa

from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.storage import archive_place, failures, query_timeout, shared_results
from trail.storage.connection import Cursor, ask, connected, in_time, migrate
from trail.storage.engine import Engine, Params, Reading
from trail.storage.inside import Inside
from trail.storage.writer import Writer

T = TypeVar("T")

# How long `Store.now` may stay the same.
HELD_S = 15.0
# Cursors that wait for the next query. Making one takes as long as a small query.
_MAX_IDLE = 8
# What `release_blocks` leaves, the use of other memory at which it does nothing, and that use.
_KEPT_BYTES, _BUSY_BYTES = 32 << 20, 128 << 20
# How long a stream waits for the writer to do so.
_RELEASE_S = 1.0
_USED_OTHERWISE = (
    "select coalesce(sum(memory_usage_bytes) filter (tag <> 'BASE_TABLE'), 0)::bigint "
    "from duckdb_memory()"
)
_numbers = itertools.count(1)


class Store:
    """An open database. `Store.open` makes one; `close` ends it after the queued writes."""

    name = "duckdb"
    # What tells the results of this store from those of another view of the same data.
    tiers: tuple[str, ...] = ()

    def __init__(
        self, connection: Cursor, path: Path, settings: Settings, archive: archive_place.Place
    ) -> None:
        self._connection = connection
        self.path, self.archive = path, archive
        self.cluster = settings.cluster
        self._memory = settings.store.memory
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
        self._closed = False
        self._idle: list[Cursor] = []
        self._running: set[Cursor] = set()
        self._releasing, self._releases = threading.Lock(), 0
        self._writer = Writer(self.cursor(), path, self.explained, self._changed, self._committed)

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
        connection = connected(path, settings, try_again)
        place = archive_place.of(settings)
        # For what has only a cursor.
        connection.execute(
            "create table memory.main.archive as select $key as key", {"key": place.key}
        )
        store = cls(connection, path, settings, place)
        try:
            store.write(migrate)
        except BaseException as error:
            store.close()
            raise failures.explain(error, path.name) or error from error
        return store

    def cursor(self) -> Cursor:
        """Return a new cursor; the caller closes it."""
        cursor = self._connection.cursor()
        cursor.execute("use trail")
        return cursor

    def source(self, table: str) -> str:
        """Return the name under which a cursor finds *table*, whatever views hide it."""
        return f"trail.{table}"

    def consistent(self, cursor: Cursor) -> contextlib.AbstractContextManager[None]:
        """Give a block in which *cursor* sees one state of all that it reads of the events."""
        return contextlib.nullcontext()

    def _begun(self, cursor: Cursor) -> None:
        """Prepare *cursor*, which has begun a transaction."""

    def damage(self) -> UnavailableError | None:
        """Return the error of a damaged database, or None; reads only the headers of the file."""
        return self._damage or failures.file_damage(self.path, self._descriptor)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Note damage that a query meets, and raise it as `UnavailableError`.

        A file of the archive is named instead: the database is whole.
        """
        try:
            yield
        except duckdb.Error as error:
            if unreadable := failures.archive_file(error):
                self.archive.doubt(str(error))
                raise unreadable from error
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
        asked = (*self.tiers, sql, params)
        return _shared(place, asked, lambda: self._asked(sql, params), _bytes_of)

    def shared(
        self, asked: tuple[object, ...], make: Callable[[], T], size: Callable[[T], int]
    ) -> T:
        """Return what *make* makes of the data, shared like the result of a query.

        Nobody may change it. *asked* names what it is and all it depends on besides the data, and
        *size* returns its bytes.
        """
        return _shared((self.number, self.version), (*self.tiers, *asked), make, size)

    def _asked(self, sql: str, params: Params | None) -> pa.Table:
        with self.explained():
            return self.again_if_released(lambda: self._asked_once(sql, params))

    def _asked_once(self, sql: str, params: Params | None) -> pa.Table:
        with self._used_cursor() as cursor:
            return self.answered(cursor, sql, params)

    def answered(
        self, cursor: Cursor, sql: str, params: Params | None, within: str = ""
    ) -> pa.Table:
        """Return the answer to *sql* through *cursor*.

        *within* is the SELECT that `events` stands for there, if it is not all.
        """
        return ask(cursor, sql, params)

    def make(self, cursor: Cursor, kind: str, name: str, select: str) -> None:
        """Make the temporary *kind* `table` or `view` of *cursor* from what *select* finds."""
        with in_time(cursor):
            # Tables hide views of the same name, which hide those of the store.
            if kind == "table":
                cursor.execute(f"drop view if exists temp.{name}")
            cursor.execute(f"create or replace temp {kind} {name} as {select}")

    def again_if_released(self, query: Callable[[], T]) -> T:
        """Run *query*, and again if the memory limit was lower for a moment meanwhile."""
        before = self._releases
        try:
            return query()
        except duckdb.OutOfMemoryException:
            with self._releasing:
                if self._releases == before:
                    raise
                return query()

    @contextlib.contextmanager
    def _used_cursor(self) -> Iterator[Cursor]:
        """Give a cursor that other queries have used and will use; after an error it is closed."""
        try:
            cursor = self._idle.pop()
        except IndexError:
            cursor = self.cursor()
        self._running.add(cursor)
        try:
            yield cursor
        except BaseException:
            cursor.close()
            raise
        finally:
            self._running.discard(cursor)
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

    def _inside(self, cursor: Cursor) -> Inside:
        return Inside(cursor, self.release_blocks_between)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator["Inside"]:
        """Give one consistent snapshot to ask and to stream from, one thing after the other."""
        with self.explained():
            cursor = self.cursor()
            try:
                cursor.execute("begin")
                # The snapshot is taken by the first read, not by `begin`.
                cursor.execute("select version from schema_version").fetchall()
                self._begun(cursor)
                yield self._inside(cursor)
            finally:
                cursor.close()

    def cancel(self) -> None:
        """Interrupt the queries of `table` that run now, from any thread; later ones run."""
        for cursor in self._running.copy():
            cursor.interrupt()

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
        return self._writer.queue(job, transaction=True, versioned=versioned)

    def write(self, job: Callable[[Cursor], T]) -> T:
        """Run *job* on the writer and return what it returns, once it is committed."""
        return self.submit(job).result()

    def release_blocks(self) -> bool:
        """Give back the memory of blocks that DuckDB keeps; return whether it was possible.

        DuckDB does so only for a lower limit, which is set for a moment between two writes. Does
        nothing while other things take much memory, such as a load. Raises `UnavailableError` if
        the store is stopping.
        """
        return self._writer.queue(self._release_blocks, transaction=False).result()

    def release_blocks_between(self) -> None:
        """Do the same between two queries of a stream, unless writes take long just now."""
        with contextlib.suppress(UnavailableError):
            release = self._writer.queue(self._release_blocks, transaction=False)
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

    def _changed(self) -> None:
        self.version += 1

    def _committed(self) -> None:
        self.committed()  # which may be another by now

    def checkpoint(self) -> bool:
        """Fold the log into the file, so that the room of removed rows is used again.

        Waits for its turn on the writer; readers go on. Returns False, and leaves it to a later
        one, while a snapshot of the data before is read, such as by an export.
        """

        def job(cursor: Cursor) -> bool:
            try:
                cursor.execute("checkpoint trail")
            except duckdb.TransactionException:
                return False
            return True

        return self._writer.queue(job, transaction=False).result()

    def close(self) -> None:
        """Finish the queued writes, checkpoint, and close the file."""
        if not self._writer.close():
            return
        self._closed = True
        self.beforehand.close()
        self.cancel()
        with contextlib.suppress(duckdb.Error):
            self._connection.execute("checkpoint trail")
        self._close_idle()
        self._connection.close()
        os.close(self._descriptor)
        self._descriptor = -1
        self.afterwards.close()


class _Narrowed:
    name = "duckdb"

    def __init__(self, store: Store, tables: dict[str, str], views: dict[str, str]) -> None:
        self._store, self._tables, self._views = store, tables, views
        # Of the data that the tables are made of, even if they are made or read later.
        self._place = store.number, store.version
        self._cursor: Cursor | None = None
        self.reading = store.reading

    def table(self, sql: str, params: Params | None = None) -> pa.Table:
        asked = (*self._store.tiers, self._tables, self._views, sql, params)
        return _shared(self._place, asked, lambda: self._asked(sql, params), _bytes_of)

    def cancel(self) -> None:
        if self._cursor is not None:
            self._cursor.interrupt()

    def close(self) -> None:
        if self._cursor is not None:
            self._cursor.close()

    def _asked(self, sql: str, params: Params | None) -> pa.Table:
        with self._store.explained():
            return self._store.again_if_released(lambda: self._asked_once(sql, params))

    def _asked_once(self, sql: str, params: Params | None) -> pa.Table:
        if self._cursor is None:
            self._cursor = self._made()
        with self._store.consistent(self._cursor):
            return self._store.answered(self._cursor, sql, params, self._views.get("events", ""))

    def _made(self) -> Cursor:
        """Return a cursor with all tables; one with some would read the store's own others."""
        cursor = self._store.cursor()
        try:
            with self._store.consistent(cursor):
                for kind, made in (("table", self._tables), ("view", self._views)):
                    for name, select in made.items():
                        self._store.make(cursor, kind, name, select)
        except BaseException:
            cursor.close()
            raise
        return cursor


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


def _nobody() -> None:
    """Hear of a commit, and do nothing."""
