"""The events of both tiers, of which a cluster reads the archive.

Where the cluster cannot answer, because of what is asked or because it is not there, DuckDB reads
the archive itself: slower for very many events, and the same answer.
"""

import datetime as dt
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import duckdb
import pyarrow as pa

from trail.core.errors import StoppedError, UnavailableError
from trail.storage import cluster_plan, cold_changes, cold_tier, cold_views, cursors
from trail.storage.archive_place import Folder
from trail.storage.cluster_plan import ANSWER, ARCHIVED, DAYS, HOT, TABLE, Plan, Question
from trail.storage.cold_views import COLUMNS
from trail.storage.connection import Cursor, ask
from trail.storage.duckdb import Store
from trail.storage.engine import Params
from trail.storage.inside import Inside
from trail.storage.spark import ArchiveView, SparkCluster
from trail.storage.spark_sql import UntranslatableError, literal
from trail.storage.tiers import TieredStore

_LOG = logging.getLogger(__name__)

# Answers with more events than this are not sent: DuckDB reads them where they are.
_MOST_ROWS = 200_000
# Of so many events DuckDB reads about one, if the Bloom filters of the files tell it where.
_SKIPPED = 50
_READS_EVENTS = re.compile(r"\bevents\b", re.IGNORECASE)
_PARAMETER = re.compile(r"\$(\w+)")
_SOURCE, _HOT_SOURCE = "tiers_events", "tiers_hot"
# Which view of the cluster `tiers_hot` leaves events to.
_USED = "tiers_cluster"


class ClusteredStore(TieredStore):
    """A store for reading with the archived days, which a cluster answers for."""

    __slots__ = ("_made", "_spark", "_viewing", "cluster_queries")
    name = "spark"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        # Hadoop's name of the protocol.
        address = re.sub("^s3:", "s3a:", self.archive.url)
        self._spark = SparkCluster(store.cluster, store.cluster.archive or address)
        # How many queries it answered.
        self.cluster_queries = 0
        self._viewing = threading.Lock()
        self._made = "", ArchiveView("", {})

    def prepare(self) -> None:
        """Open the session, and let the cluster load what its first answer needs.

        Queries that come meanwhile do without it.
        """
        with self._viewing:
            self._spark.open()
        with self.cursor() as cursor:
            view = self._view(cursor)
        if view and view.days:
            newest = view.condition(max(view.days), dt.date.max)
            with suppress(UnavailableError):
                self._spark.table(
                    f"select max(occurred_at) from {view.name} as {ARCHIVED} where {newest}"
                )

    def end(self) -> None:
        """Close the cursors and the session."""
        self._spark.close()
        super().end()

    def cancel(self) -> None:
        """Interrupt the queries that run now, here and on the cluster."""
        super().cancel()
        self._spark.cancel()

    def problem(self) -> UnavailableError | None:
        """Return why the cluster did not answer the last time, or None."""
        return self._spark.problem

    def answered(
        self, cursor: Cursor, sql: str, params: Params | None, within: str = ""
    ) -> pa.Table:
        """Return the answer to *sql*, of both tiers; see `Store.answered`."""
        with self._planned(cursor, sql, params, within) as planned:
            try:
                return ask(cursor, planned, params)
            except duckdb.ProgrammingError as error:
                if planned == sql:
                    raise
                _LOG.warning("The cluster's answers were not used: %s", str(error).splitlines()[0])
        return ask(cursor, sql, params)

    def make(self, cursor: Cursor, kind: str, name: str, select: str) -> None:
        """Make a temporary table or view; see `Store.make`."""
        if kind == "view":
            super().make(cursor, kind, name, select)
            if name == "events":
                super().make(cursor, kind, HOT, select.replace(_SOURCE, _HOT_SOURCE))
            return
        with self._planned(cursor, select, None, "") as planned:
            super().make(cursor, kind, name, planned)

    @contextmanager
    def _planned(
        self, cursor: Cursor, sql: str, params: Params | None, within: str
    ) -> Iterator[str]:
        """Give what DuckDB answers for *sql*, with the answers of the cluster as its tables."""
        view = self._view(cursor) if _READS_EVENTS.search(sql) else None
        plan = self._plan(view, cursor, sql, params or {}, within) if view else None
        answers = self._answers(view, plan.questions) if view and plan else None
        if plan is None or answers is None:
            yield sql
            return
        names = [f"{ANSWER}{number}" for number in range(len(answers))]
        for name, answer in zip(names, answers, strict=True):
            cursor.register(name, answer)
        try:
            yield plan.sql
        finally:
            for name in names:
                cursor.unregister(name)

    def _plan(
        self, view: ArchiveView, cursor: Cursor, sql: str, params: Params, within: str
    ) -> Plan | None:
        """Return what to ask the cluster; None if it is not asked."""
        local = partial(self._local, cursor, params)
        try:
            plan = cluster_plan.plan(sql, params, local, within.replace(_SOURCE, "events"))
        except UntranslatableError:
            return None
        most = max((self._events(view, one) for one in plan.questions), default=0)
        return plan if most and self._is_asked(cursor, most) else None

    def _is_asked(self, cursor: Cursor, events: int) -> bool:
        """Return whether the cluster is asked about so many events."""
        if self.cluster.least_events is not None:
            return events >= self.cluster.least_events
        ((threads,),) = cursor.execute("select current_setting('threads')").fetchall()
        return cluster_plan.is_faster(events, self._spark.cores, threads)

    def _events(self, view: ArchiveView, question: Question) -> int:
        """Return about how many events DuckDB would read for *question*."""
        events = view.events(question.first, question.last)
        # In a bucket, each file costs requests whatever its filters say.
        is_skipped = question.is_keyed and isinstance(self.archive, Folder)
        return -(-events // _SKIPPED) if is_skipped else events

    def _view(self, cursor: Cursor) -> ArchiveView | None:
        """Return the view of the cluster that the views of *cursor* leave the archive to."""
        ((name,),) = cursor.execute(f"select name from {_USED}").fetchall()
        return self._spark.views.get(name)

    def _local(self, cursor: Cursor, params: Params, sql: str) -> pa.Table:
        """Return the answer to a query of small tables within a statement."""
        used = {name: params[name] for name in _PARAMETER.findall(sql) if name in params}
        return ask(cursor, sql, used)

    def _answers(self, view: ArchiveView, questions: list[Question]) -> list[pa.Table] | None:
        """Return the cluster's answers; None if it has none, or too many rows."""
        answers = []
        for question in questions:
            days = view.condition(question.first, question.last)
            sql = question.sql.replace(TABLE, view.name).replace(DAYS, days)
            if not question.is_bounded:
                sql += f" limit {_MOST_ROWS + 1}"
            try:
                answer = self._spark.table(sql)
            except StoppedError:
                raise
            except UnavailableError:
                if self._spark.problem is None:
                    raise  # it took too long
                return None
            if not question.is_bounded and answer.num_rows > _MOST_ROWS:
                return None
            answers.append(answer)
        self.cluster_queries += len(answers)
        return answers

    def _begun(self, cursor: Cursor) -> None:
        super()._begun(cursor)
        ((name,),) = cursor.execute(f"select name from {_USED}").fetchall()
        is_due = self._spark.may_answer and not self._viewing.locked()
        if name not in self._spark.views and is_due:
            self._make_views(cursor)

    def _make_views(self, cursor: Cursor, *, opened: bool = False) -> list[str]:
        names = super()._make_views(cursor, opened=opened)
        view = self._current(Inside(cursor))
        days = view.days.keys() if view else ()
        cold = cold_views.archived(cursor, self.archive, opened=opened, without=days)
        hot = f"select {', '.join(COLUMNS)} from trail.events"
        both = f"{hot} union all {cold}" if cold else hot
        cursor.execute(f"create or replace temp view {_HOT_SOURCE} as {both}")
        # Narrowed engines have one of their own by now.
        cursor.execute(f"create temp view if not exists {HOT} as from {_HOT_SOURCE}")
        used = literal(view.name if view else "")
        cursor.execute(f"create or replace temp view {_USED} as select {used} as name")
        return names

    def _current(self, inside: Inside) -> ArchiveView | None:
        """Return the cluster's view of the archive as *inside* sees it; None if it has none.

        While another thread waits for it, this one has none: the first one takes seconds.
        """
        revision = cold_changes.revision(inside)
        if not self._spark.may_answer or not self._viewing.acquire(blocking=False):
            return None
        try:
            made, view = self._made
            if made == revision and view.name in self._spark.views:
                return view
            repeated = inside.table("select distinct file from cold_repeats")["file"].to_pylist()
            files: dict[dt.date, dict[str, int]] = {}
            local: set[dt.date] = set()
            for part in cold_tier.parts(inside):
                files.setdefault(part.day, {})[part.file] = part.rows
                if not part.keyed or part.file in repeated:
                    local.add(part.day)
            moved = None
            if cursors.get(inside, cold_tier.MOVED):
                moved = inside.table("select identity_key, actor_key from trail.identities")
            try:
                view = self._spark.view(
                    {day: rows for day, rows in files.items() if day not in local}, moved
                )
            except UnavailableError:
                return None
            self._made = revision, view
            return view
        finally:
            self._viewing.release()
