"""The events of both tiers as one: recent days in the database, and archived days in place."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import duckdb
import pyarrow as pa

from trail.core.errors import TrailError, UnavailableError
from trail.storage import cold_changes, cold_tier, cold_views
from trail.storage.archive_place import Place
from trail.storage.connection import Cursor
from trail.storage.cube import KEYS
from trail.storage.duckdb import Store
from trail.storage.engine import Engine, Params
from trail.storage.filters import Window
from trail.storage.inside import Inside
from trail.storage.search_pattern import quoted

# What the views of the tiers are called: a search hides the names of the tables by its own views.
_PREFIX = "tiers_"
_MARK = quoted(cold_changes.REVISION)
_IS_CURRENT = (
    f"select 1 from trail.marks, tiers_revision where mark = revision and source = {_MARK}"
)

# Whoever reads the archive may wait for long, and sees how far it is.
_PROGRESS = {
    "enable_progress_bar": True,
    "enable_progress_bar_print": False,
    "progress_bar_time": 0,
}

_tiered: dict[int, "TieredStore"] = {}
_making, _counting = threading.Lock(), threading.Lock()


def both(store: Store) -> Store:
    """Return *store* for reading, with the archived days; itself where no day is archived.

    Everything that asks for events, their hourly counts or trusted events gets those of both tiers.
    What it writes, and what it knows otherwise, is that of *store*. A query that needs a part of
    the archive that cannot be read raises `UnavailableError`.
    """
    if isinstance(store, TieredStore) or not cold_changes.revision(store):
        return store
    with _making:
        if store.number not in _tiered:
            store.beforehand.callback(lambda: _tiered.pop(store.number).end())
            _tiered[store.number] = _reader(store)
        return _tiered[store.number]


def of_window(engine: Engine, window: Window) -> Engine:
    """Return what answers for *window*: both tiers if it touches archived days, else *engine*."""
    if isinstance(engine, Store) and cold_tier.touches(engine, window):
        return both(engine)
    return engine


def are_read(store: Store) -> bool:
    """Return whether a query or a stream reads the archived days of *store* just now."""
    tiered = _tiered.get(store.number)
    return tiered is not None and tiered.readers > 0


def require_whole(engine: Engine, window: Window, hint: str = "Then try again.") -> None:
    """Raise `UnavailableError` if a file with archived events of *window* is missing or damaged.

    For what leaves the product, where nobody would see the notice of a page. *hint* says what to do
    once the file is there.
    """
    if isinstance(engine, TieredStore | _InsideBoth) and (
        files := cold_tier.missing(engine, window)
    ):
        text = cold_tier.missing_text(files, engine.archive)
        raise UnavailableError(text, hint)


def _reader(store: Store) -> "TieredStore":
    if not store.cluster.url:
        return TieredStore(store)
    # Imported here, since its packages are an extra.
    from trail.storage.clustered import ClusteredStore

    return ClusteredStore(store)


def prepare(store: Store) -> None:
    """Let the cluster that reads the archive of *store*, if any, be ready before it is asked.

    Returns at once; until the cluster is ready, queries do without it.
    """

    def open_cluster() -> None:
        with contextlib.suppress(TrailError, duckdb.Error):  # also if the store is closed by now
            tiered = both(store)
            if isinstance(tiered, TieredStore):
                tiered.prepare()

    if store.cluster.url:
        threading.Thread(target=open_cluster, name="trail-cluster-start", daemon=True).start()


def cluster_problem(store: Store) -> UnavailableError | None:
    """Return why the cluster that reads the archive of *store* does not answer, or None."""
    tiered = _tiered.get(store.number)
    return tiered.problem() if tiered else None


class _InsideBoth(Inside):
    """A snapshot of both tiers."""

    def __init__(self, cursor: Cursor, release: Callable[[], None], archive: Place) -> None:
        super().__init__(cursor, release)
        self.archive = archive


class TieredStore(Store):
    """A store for reading with the archived days: see `both`."""

    # Its own; all else is what the other store has, now and later.
    __slots__ = ("_idle", "readers")

    def __init__(self, store: Store) -> None:
        self.__dict__ = store.__dict__
        self._idle: list[Cursor] = []
        self.readers = 0

    @property
    def tiers(self) -> tuple[str, ...]:  # type: ignore[override]
        """Return what tells its results from those of the database alone, and of other files."""
        return ("both", str(self.archive.state))

    def prepare(self) -> None:
        """Be ready for queries."""

    def problem(self) -> UnavailableError | None:
        """Return why a cluster did not answer the last time; None without one."""
        return None

    def end(self) -> None:
        """Close the cursors."""
        self._close_idle()

    def source(self, table: str) -> str:
        """Return the name under which a cursor always finds *table*, of both tiers."""
        return f"{_PREFIX}{table}" if table in ("events", *KEYS) else super().source(table)

    def cursor(self) -> Cursor:
        """Return a new cursor; the caller closes it."""
        cursor = super().cursor()
        try:
            for setting, value in _PROGRESS.items():
                cursor.execute(f"set {setting} = {value}")
            try:
                views = self._make_views(cursor)
            except duckdb.Error:
                # A damaged file must not cost the others: DuckDB opens some for their columns.
                views = self._make_views(cursor, opened=True)
            for name in views:
                cursor.execute(f"create temp view {name} as from {_PREFIX}{name}")
        except BaseException:
            cursor.close()
            raise
        return cursor

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Raise what the database's own store raises; later queries do without a missing file."""
        try:
            with super().explained():
                yield
        except UnavailableError as error:
            self._close_idle()
            if reason := self.archive.problem():
                raise UnavailableError(f"The archive cannot be reached. {reason}") from error
            raise

    def _inside(self, cursor: Cursor) -> Inside:
        return _InsideBoth(cursor, self.release_blocks_between, self.archive)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Inside]:
        """Give one consistent snapshot of both tiers; see `Store.snapshot`."""
        with self._read(), super().snapshot() as inside:
            yield inside

    def _asked_once(self, sql: str, params: Params | None) -> pa.Table:
        with self._used_cursor() as cursor, self.consistent(cursor):
            return self.answered(cursor, sql, params)

    @contextlib.contextmanager
    def consistent(self, cursor: Cursor) -> Iterator[None]:
        """Give a transaction whose views fit it: a purge moves events between the tiers."""
        with self._read():
            cursor.execute("begin")
            try:
                self._begun(cursor)
                yield
                cursor.execute("commit")
            except BaseException:
                with contextlib.suppress(duckdb.Error):
                    cursor.execute("rollback")
                raise

    @contextlib.contextmanager
    def _read(self) -> Iterator[None]:
        with _counting:
            self.readers += 1
        try:
            yield
        finally:
            with _counting:
                self.readers -= 1

    def _begun(self, cursor: Cursor) -> None:
        """Let the views of *cursor* fit what its transaction sees in the database.

        Those that hide the tables, and others made of them, read these.
        """
        if cursor.execute(f"{_IS_CURRENT} and state = {self.archive.state}").fetchall():
            return
        try:
            self._make_views(cursor)
        except duckdb.Error:
            cursor.execute("rollback")  # the error has ended the transaction
            cursor.execute("begin")
            self._make_views(cursor, opened=True)

    def _make_views(self, cursor: Cursor, *, opened: bool = False) -> list[str]:
        """Make the views of both tiers; return the names of the tables that they stand for."""
        state = self.archive.state  # before the files are looked at
        views = cold_views.views(cursor, self.archive, opened=opened)
        for name, select in views.items():
            cursor.execute(f"create or replace temp view {_PREFIX}{name} as {select}")
        cursor.execute(
            "create or replace temp view tiers_revision as select * from "
            f"(values ({quoted(cold_changes.revision(Inside(cursor)))}, {state})) "
            "v(revision, state)"
        )
        return list(views)
