"""A Spark cluster that reads the archive, through Spark Connect.

Works with Spark 4 and with servers that speak its protocol. Needs the packages of
`requirements-spark.txt`, which are imported when a cluster is configured.
"""

import contextlib
import datetime as dt
import itertools
import logging
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from trail.core.errors import UnavailableError
from trail.core.sections import Cluster
from trail.storage import query_timeout
from trail.storage.cluster_plan import ARCHIVED
from trail.storage.spark_sql import literal

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

T = TypeVar("T")
# The files of each day, with their events.
Files = Mapping[dt.date, Mapping[str, int]]

_LOG = logging.getLogger(__name__)
# The columns of the files.
_TYPES = {
    "event_id": "string",
    "at": "timestamp_ntz",
    "arrived": "timestamp_ntz",
    "action_key": "int",
    "actor_key": "int",
    "target_key": "int",
    "target_type": "string",
    "workspace_id": "string",
    "verified": "boolean",
    "batch_id": "int",
    "raw": "string",
    "forwarded": "boolean",
    "echo": "boolean",
    "identity_key": "int",
    "unverified": "boolean",
    "future_dated": "boolean",
    "search_key": "int",
    "day": "date",
}
_RENAMED = {"at": "occurred_at", "arrived": "ingested_at"}
_COALESCED = ("target_type", "workspace_id")
_CONNECT_S = 2.0
# How long after a failure the session is opened again, and after each attempt; no query waits.
_PAUSE_S = 10.0
# If no task runs for so long while a query waits, there may be no workers: they get so long to
# answer a small query. A server that reports no tasks is judged by the small query alone.
_PATIENCE_S, _SMALL_S = 5.0, 5.0
# How often a query that waits looks at the two.
_LOOK_S = 0.5
# Needs no file, but a worker.
_SMALL = "select sum(id) from range(0, 1000, 1, 4)"
# By default Spark makes as many partitions as there are cores. Other servers may not know them.
_CORES = "select distinct spark_partition_id() as part from range(0, 1000000)"
_PORT = 15002
# An archive is many small files, of which a task of the usual size reads a few: more are faster.
# They are spread over all cores still. Lists are compiled up to the length that Spark allows.
# Progress is reported twice a second.
_OPTIONS = {
    "spark.sql.files.maxPartitionBytes": "1g",
    "spark.sql.files.openCostInBytes": "1m",
    "spark.sql.optimizer.inSetSwitchThreshold": "600",
    "spark.connect.progress.reportInterval": "500ms",
}
# How long a query without a limit of its own may take, and the listing of the archive.
_MOST_S, _VIEW_S = 600.0, 30.0
# How long the first query may take, for which nobody waits.
_OPEN_S = 180.0
_importing = threading.Lock()


@dataclass(frozen=True, slots=True)
class ArchiveView:
    """A table of the cluster with archived events, called *name* there.

    *days* has the events of each day that is read. There are events of *others*, too, which are
    not to be read.
    """

    name: str
    days: Mapping[dt.date, int]
    others: frozenset[dt.date] = frozenset()

    def events(self, first: dt.date, last: dt.date) -> int:
        """Return how many events there are from the day *first* to *last*."""
        return sum(events for day, events in self.days.items() if first <= day <= last)

    def condition(self, first: dt.date, last: dt.date) -> str:
        """Return the condition on its own days, those from *first* to *last*."""
        first, last = max(first, min(self.days)), min(last, max(self.days))
        span = f"{ARCHIVED}.day between {literal(first)} and {literal(last)}"
        others = ", ".join(literal(day) for day in sorted(self.others) if first <= day <= last)
        return f"{span} and {ARCHIVED}.day not in ({others})" if others else span


class SparkCluster:
    """A cluster that answers SQL about the archive in *folder*, as the cluster calls it.

    The session opens with the first query. After a failure it is opened again by a thread of its
    own, which first lets the workers answer a small query.
    """

    name = "spark"

    def __init__(self, settings: Cluster, folder: str) -> None:
        self._settings, self._folder = settings, folder
        self._place = urlsplit(settings.url)
        self._changing = threading.Lock()
        self._session: SparkSession | None = None
        self._closed = threading.Event()
        self._numbers = itertools.count(1)
        self._running: set[_Query] = set()
        self._activity = _Activity()
        # Those of its workers when the session was opened; 0 if they are not known.
        self.cores = 0
        # Why it did not answer the last time.
        self.problem: UnavailableError | None = None
        # Those of the open session.
        self.views: dict[str, ArchiveView] = {}

    @property
    def may_answer(self) -> bool:
        """Whether queries may be sent: not between a failure and the next answer."""
        return self.problem is None

    def open(self) -> None:
        """Open the session and start what answers, which may take a minute.

        Raises `UnavailableError`.
        """
        with self._explained():
            _started(self._warmed).result(_OPEN_S)

    def _warmed(self) -> None:
        session = self._opened()
        self._small(session)
        # Executors start with the first query that needs them; the next one finds their cores.
        with contextlib.suppress(Exception):
            self.cores = session.sql(_CORES).toArrow().num_rows

    def _small(self, session: "SparkSession") -> None:
        session.sql(_SMALL).toArrow()

    def _reopen(self) -> None:
        """Open the session once the cluster answers again."""
        while not self._closed.wait(_PAUSE_S):
            with contextlib.suppress(Exception):
                _started(self._warmed).result(_OPEN_S)
                self.problem = None
                return
            self._session = None

    def view(self, files: Files, moved: pa.Table | None) -> ArchiveView:
        """Return a new view of the days for which the cluster sees exactly these *files*.

        Files are named relative to the folder, with their events. *moved* has identity_key and
        actor_key, if the actors of events are to be read from it. Raises `UnavailableError`.
        """
        with self._answering():
            return _started(lambda: self._made(files, moved)).result(_VIEW_S)

    def _made(self, files: Files, moved: pa.Table | None) -> ArchiveView:
        session, number = self._opened(), next(self._numbers)
        columns = ", ".join(f"{name} {kind}" for name, kind in _TYPES.items())
        session.sql(
            f"create or replace temporary view files_{number} ({columns}) using parquet "
            f"options (path {literal(self._folder)}, pathGlobFilter 'part-*.parquet')"
        )
        selected = ", ".join(map(_selected, _TYPES))
        source = f"files_{number} r"
        if moved is not None:
            session.createDataFrame(moved).createOrReplaceTempView(f"names_{number}")
            selected = selected.replace("r.actor_key", "i.actor_key")
            source += f" join names_{number} i on i.identity_key = r.identity_key"
        session.sql(
            f"create or replace temporary view archive_{number} as select {selected} from {source}"
        )
        seen: dict[dt.date, set[str]] = {}
        for file in session.table(f"files_{number}").inputFiles():
            folder, name = unquote(file).split("/")[-2:]
            day = dt.date.fromisoformat(folder.removeprefix("day="))
            seen.setdefault(day, set()).add(f"{folder}/{name}")
        days = {
            day: sum(rows.values()) for day, rows in files.items() if seen.get(day) == set(rows)
        }
        view = ArchiveView(f"archive_{number}", days, frozenset(seen.keys() - days))
        # Those of earlier states of the archive; a query that would read one is left to DuckDB.
        for old in list(self.views)[:-1]:
            del self.views[old]
            session.catalog.dropTempView(old)
            session.catalog.dropTempView(old.replace("archive", "files"))
        self.views[view.name] = view
        return view

    def table(self, sql: str, params: dict[str, Any] | None = None) -> pa.Table:
        """Return the answer to *sql*, in Spark's language, within the time of the request.

        Raises `UnavailableError` if the cluster does not answer or is interrupted.
        """
        with self._answering():
            session = self._session or _started(self._opened).result(_VIEW_S)
            query = _Query(session, f"query-{next(self._numbers)}", self._activity)
            self._running.add(query)
            try:
                with query_timeout.bounded(query):
                    return query.run(sql, lambda: self._small(session))
            except Exception as error:
                if query.is_interrupted:
                    interrupted = query_timeout.problem()
                    raise interrupted from error
                raise
            finally:
                self._running.discard(query)

    def cancel(self) -> None:
        """Interrupt the queries that run now."""
        for query in self._running.copy():
            query.interrupt()

    def close(self) -> None:
        """Interrupt what runs and end the session."""
        self._closed.set()
        self.cancel()
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(Exception):
                session.stop()

    def _opened(self) -> "SparkSession":
        self._reach()
        made = self._session or self._connected()
        with self._changing:
            used = self._session = self._session or made
        if used is not made:
            made.stop()  # another thread was first
        return used

    def _connected(self) -> "SparkSession":
        # Imported here: it takes half a second. It warns of pandas 3, which Arrow does not need.
        # Its modules import each other in a circle, which two threads must not enter at once.
        with _importing, warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            from pyspark.sql.connect.client.retries import DefaultPolicy
            from pyspark.sql.connect.session import SparkSession

        # What it means is said below, once.
        warnings.filterwarnings("ignore", r"\[RETRIES_EXCEEDED\]", UserWarning)
        token = self._settings.token.get_secret_value()
        more = f"/;token={token};use_ssl=true" if token else ""
        session = SparkSession.builder.remote(f"{self._settings.url.rstrip('/')}{more}").create()
        session.client.register_progress_handler(_note)  # type: ignore[arg-type]
        # The default repeats for ten minutes.
        session.client.set_retry_policies([DefaultPolicy(max_retries=2)])
        session.conf.set("spark.sql.session.timeZone", "UTC")
        for name, value in _OPTIONS.items():
            session.conf.set(name, value)
        return session

    def _reach(self) -> None:
        """Connect and hang up: the client would wait for long for a server that is not there."""
        host, port = self._place.hostname or "", self._place.port or _PORT
        socket.create_connection((host, port), _CONNECT_S).close()

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        """Ask nothing while the cluster does not answer; see `_explained`."""
        if self.problem:
            raise self.problem
        with self._explained():
            yield

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise what the client raises as `UnavailableError`; its session is opened again."""
        try:
            yield
        except UnavailableError:
            raise
        except Exception as error:
            reason = str(error).partition("\n")[0][:300] or type(error).__name__
            _LOG.warning("The cluster failed: %s", reason)
            problem = UnavailableError(
                f"The cluster at {self._place.hostname} did not answer.",
                "Check that Spark Connect and its workers run.",
            )
            self._session = None
            self.views.clear()
            with self._changing:
                is_first, self.problem = self.problem is None, problem
            if is_first:
                _started(self._reopen)
            raise problem from error


class _Activity:
    """When a task was last known to run, for any query of the session."""

    last_at = float("-inf")


class _Query:
    def __init__(self, session: "SparkSession", tag: str, activity: _Activity) -> None:
        self._session, self._tag, self._activity = session, tag, activity
        self._answer: Future[pa.Table] = Future()
        self._interrupting = threading.Lock()
        self._tasks, self._done = 0, 0
        self.is_interrupted = False

    def run(self, sql: str, small: Callable[[], None]) -> pa.Table:
        """Return the answer, or raise once it is interrupted, whether or not Spark has heard.

        Raises `TimeoutError` if no worker is at work and not even a *small* query is answered:
        Spark itself would wait for workers.
        """
        _started(lambda: self._ask(sql), self._answer)
        began = time.monotonic()
        while not wait([self._answer], _LOOK_S).done:
            now = time.monotonic()
            if now < max(began, self._activity.last_at) + _PATIENCE_S and now < began + _MOST_S:
                continue
            beside = _started(small)
            wait([self._answer, beside], _SMALL_S, FIRST_COMPLETED)
            is_alive = beside.done() and not beside.exception() and now < began + _MOST_S
            if is_alive:
                self._activity.last_at = now
            elif not self._answer.done() and self._activity.last_at < now:
                self._stop()
                raise TimeoutError("no worker answers")
        return self._answer.result()

    def note(self, tasks: int, done: int, running: int) -> None:
        """Note how many *tasks* Spark has made of the query so far, and how many are *done*."""
        if running or done > self._done:
            self._activity.last_at = time.monotonic()
        self._tasks, self._done = tasks, done

    def query_progress(self) -> float:
        """Return the percentage that is done; -1 if it is not known."""
        return 100 * self._done / self._tasks if self._tasks else -1

    def _ask(self, sql: str) -> pa.Table:
        from pyspark.sql.connect.plan import SQL

        _here.query = self
        self._session.addTag(self._tag)  # of this thread
        client = self._session.client
        # In one request: `session.sql(...).toArrow()` makes three, which plan it each time.
        return client.to_table(SQL(sql).to_proto(client), {})[0]

    def interrupt(self) -> None:
        """Stop the query; called from another thread, which does not wait for Spark."""
        with self._interrupting:
            if self.is_interrupted:
                return
            self.is_interrupted = True
        with contextlib.suppress(InvalidStateError):
            self._answer.set_exception(InterruptedError("interrupted"))
        self._stop()

    def _stop(self) -> None:
        _started(lambda: self._session.interruptTag(self._tag))


# The query of each thread that asks one: what Spark reports of it arrives there.
_here = threading.local()


def _note(stages: Any, inflight_tasks: int, operation_id: str | None, done: bool) -> None:
    """Take in what the client reports; the names of the arguments are its."""
    query: _Query | None = getattr(_here, "query", None)
    if query is not None:
        listed = list(stages or ())
        tasks = sum(stage.num_tasks for stage in listed)
        query.note(tasks, sum(stage.num_completed_tasks for stage in listed), inflight_tasks)


def _started(job: Callable[[], T], answer: "Future[T] | None" = None) -> "Future[T]":
    """Run *job* on a thread of its own; return its *answer*.

    The client waits without limit for a server that hangs. Nobody else has to: not the caller, and
    not the process when it ends.
    """
    future: Future[T] = Future() if answer is None else answer

    def run() -> None:
        with contextlib.suppress(InvalidStateError):  # interrupted meanwhile
            try:
                result = job()
            except SystemExit:  # the client exits where a part of it is missing
                future.set_exception(OSError("The Spark client cannot be loaded."))
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

    threading.Thread(target=run, name="trail-cluster", daemon=True).start()
    return future


def _selected(name: str) -> str:
    source = f"coalesce(r.{name}, '')" if name in _COALESCED else f"r.{name}"
    return f"{source} as {_RENAMED.get(name, name)}"
