"""What a cluster is asked for a statement, and the statement that DuckDB answers with the results.

DuckDB decides what the words of the statement mean: it answers the statement from its own events
and those that the cluster returns, which may be more than needed, never fewer. Counts and first
rows, of which the cluster returns the result alone, are asked for only if all that decides on them
can be said exactly.
"""

import contextlib
import datetime as dt
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import duckdb
from sqlglot import exp
from sqlglot.errors import SqlglotError

from trail.storage.cluster_joins import Ask, Lookups
from trail.storage.cold_views import COLUMNS
from trail.storage.event_reads import EventRead, event_reads
from trail.storage.spark_sql import Query, Translator, UntranslatableError, listed, literal

# What stands for the events that DuckDB reads, and for those that the cluster reads.
HOT, ARCHIVED = "hot_events", "archived"
# What a question has in place of the cluster's table, and of the condition on its days. No literal
# of a question has a dollar sign.
TABLE, DAYS = "$table", "$days"
# What stands for the n-th answer of the cluster.
ANSWER = "cluster_answer_"
# Aggregates whose result is the same however often a row is repeated.
_IDEMPOTENT = (exp.Min, exp.Max, exp.AnyValue, exp.LogicalOr, exp.LogicalAnd)
# What a question costs Spark however few events it reads, and how many events a core reads in a
# second there and here. Measured by `bench.cluster`, for a word in the columns of a page.
_QUESTION_S, _SPARK_RATE, _OWN_RATE = 0.6, 13e6, 23e6
_FIRST, _LAST = dt.date.min, dt.date.max
_REVERSED = {exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE}
# Columns with Bloom filters of which few events have the same value.
_FILTERED, _FEW_VALUES = ("event_id", "target_key"), 5


@dataclass(frozen=True, slots=True)
class Question:
    """SQL for the cluster, about the days from *first* to *last*.

    It `is_bounded` if the answer is a result, and not any number of events. It `is_keyed` if the
    Bloom filters of the files leave out most of the events.
    """

    sql: str
    first: dt.date
    last: dt.date
    is_bounded: bool
    is_keyed: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The *questions* to the cluster, and the statement with the tables of their answers."""

    sql: str
    questions: list[Question]


def plan(sql: str, params: Mapping[str, Any], ask: Ask, within: str = "") -> Plan:
    """Return what to ask the cluster for the statement *sql*.

    *ask* answers queries of small tables. *within* is the SELECT of some events, with the alias
    `e`, that `events` stands for, if it is not all. Raises `UntranslatableError` if DuckDB has to
    answer the statement alone.
    """
    try:
        limits = [_Read(read, params, ask) for read in event_reads(within)]
        reads = [_Read(read, params, ask, limits) for read in event_reads(sql)]
        edits: list[tuple[int, int, str]] = []
        questions = []
        for number, read in enumerate(reads):
            question, edit = read.planned(f"{ANSWER}{number}")
            questions.append(question)
            edits.append(edit)
    except (SqlglotError, ValueError, duckdb.Error) as error:
        raise UntranslatableError(str(error)) from error
    edits.sort()
    if any(one[1] > other[0] for one, other in itertools.pairwise(edits)):
        raise UntranslatableError("events within events")
    for start, end, text in reversed(edits):
        sql = f"{sql[:start]}{text}{sql[end:]}"
    return Plan(sql, questions)


def is_faster(events: int, cores: int, threads: int) -> bool:
    """Return whether a cluster with so many *cores* reads *events* sooner than *threads* here."""
    return events / (_OWN_RATE * threads) > _QUESTION_S + events / (_SPARK_RATE * max(cores, 1))


class _Read:
    """One place that reads events; *limits* are those that hold wherever events are read."""

    def __init__(
        self,
        read: EventRead,
        params: Mapping[str, Any],
        ask: Ask,
        limits: "list[_Read] | None" = None,
    ) -> None:
        self._read, self._ask = read, ask
        queries: dict[str, Query] = {
            name: partial(_column, ask, sql) for name, sql in read.queries.items()
        }
        self._translator = Translator(self._named, params, queries)
        self._aliases = {
            one.alias: one.this for one in read.tree.expressions if isinstance(one, exp.Alias)
        }
        self._lookups = Lookups(read, ask)
        self.first, self.last = _FIRST, _LAST
        self.conditions: list[str] = []
        self.is_exact, self.is_keyed = True, False
        for condition in self._conjuncts():
            self._add(condition)
        for column, values in self._lookups.lists():
            # Else Spark reads all events to find those that join.
            self._add_list(column, values)
        self._joins = self._lookups.sql(self._translator, ARCHIVED) if self._lookups.known else None
        for limit in limits or ():
            self.conditions += limit.conditions
            self.is_exact = self.is_exact and limit.is_exact
            self.is_keyed = self.is_keyed or limit.is_keyed
            self.first, self.last = max(self.first, limit.first), min(self.last, limit.last)

    def planned(self, answer: str) -> tuple[Question, tuple[int, int, str]]:
        """Return the question, and what the statement has in place of a part of its text."""
        return self._counted(answer) or self._listed(answer)

    # --- conditions ---------------------------------------------------------------------------

    def _conjuncts(self) -> Iterator[exp.Expression]:
        where = self._read.tree.args.get("where")
        waiting = [where.this] if where else []
        while waiting:
            node = waiting.pop()
            if isinstance(node, exp.Paren):
                waiting.append(node.this)
            elif isinstance(node, exp.And):
                waiting += [node.expression, node.this]
            else:
                yield node

    def _add(self, condition: exp.Expression) -> None:
        try:
            self.conditions.append(self._translator.sql(condition))
        except UntranslatableError:
            self.is_exact = False
            return
        self._note_days(condition)
        self.is_keyed = self.is_keyed or _is_of_few(condition)

    def _add_list(self, column: exp.Column, values: list[Any]) -> None:
        with contextlib.suppress(UntranslatableError):
            self.conditions.append(listed(self._translator.sql(column), map(literal, values)))
            self.is_keyed = self.is_keyed or (
                column.name in _FILTERED and len(values) <= _FEW_VALUES
            )

    def _note_days(self, condition: exp.Expression) -> None:
        """Note the days to which a comparison of the time limits the events."""
        if isinstance(condition, exp.Between):
            self._note(condition.this, exp.GTE, condition.args["low"])
            self._note(condition.this, exp.LTE, condition.args["high"])
        elif isinstance(condition, exp.GT | exp.GTE | exp.LT | exp.LTE | exp.EQ):
            kind = type(condition)
            self._note(condition.this, kind, condition.expression)
            self._note(condition.expression, _REVERSED.get(kind, kind), condition.this)

    def _note(self, column: exp.Expr, kind: type[exp.Expr], value: exp.Expr) -> None:
        column = column.unnest()
        day = self._day(value.unnest())
        if day is None or not isinstance(column, exp.Column) or column.name != "occurred_at":
            return
        if kind not in (exp.LT, exp.LTE):
            self.first = max(self.first, day)
        if kind not in (exp.GT, exp.GTE):
            self.last = min(self.last, day)

    def _day(self, value: exp.Expr) -> dt.date | None:
        if isinstance(value, exp.Cast) and isinstance(value.this, exp.Literal):
            return dt.datetime.fromisoformat(value.this.name).date()
        if isinstance(value, exp.Placeholder):
            moment = self._translator.parameter(value)
            return moment.date() if isinstance(moment, dt.datetime) else None
        return None

    def _named(self, column: exp.Column) -> str:
        """Return what *column* is called in the question."""
        table, name = column.table, column.name
        if table in ("", self._read.alias) and name in COLUMNS:
            return f"{ARCHIVED}.{name}"
        for alias, rows in self._lookups.rows.items():
            if table in ("", alias) and name in rows.column_names:
                return f"{alias}.{name}"
        raise UntranslatableError(f"column {name}")

    # --- rows ---------------------------------------------------------------------------------

    def _listed(self, answer: str) -> tuple[Question, tuple[int, int, str]]:
        """Ask for events, and let the statement read these besides those of DuckDB."""
        read = self._read
        is_star = any(
            isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count)
            for node in read.tree.find_all(exp.Star)
        )
        columns = [name for name in COLUMNS if is_star or name in read.names] or ["action_key"]
        if "rowid" in read.names:
            raise UntranslatableError("rowid")
        names = ", ".join(columns)
        selected = ", ".join(f"{ARCHIVED}.{name}" for name in columns)
        distinct = "distinct " if self._ignores_repeats() else ""
        order = self._first_rows()
        sql = f"select {distinct}{selected} {self._from()}{order or ''}"
        text = (
            f"(select {names} from {HOT} union all select {names} from {answer})"
            f"{'' if read.has_alias else f' as {read.alias}'}"
        )
        is_bounded = bool(distinct) or order is not None
        return self._question(sql, is_bounded), (read.at, read.upto, text)

    def _question(self, sql: str, is_bounded: bool) -> Question:
        return Question(sql, self.first, self.last, is_bounded, self.is_keyed)

    def _from(self) -> str:
        joins = self._joins or []
        conditions = [DAYS, *(f"({one})" for one in self.conditions)]
        return (
            f"{' '.join([f'from {TABLE} as {ARCHIVED}', *joins])} where {' and '.join(conditions)}"
        )

    def _ignores_repeats(self) -> bool:
        tree = self._read.tree
        aggregates = [node for one in tree.expressions for node in one.find_all(exp.AggFunc)]
        if any(one.find(exp.Window) for one in tree.expressions):
            return False
        if not aggregates:
            return bool(tree.args.get("distinct"))
        return all(
            isinstance(node, _IDEMPOTENT)
            or (isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct))
            for node in aggregates
        )

    def _first_rows(self) -> str | None:
        """Return the order and limit of the question, or None if it has to list all events."""
        tree = self._read.tree
        limit = tree.args.get("limit")
        grouped = any(tree.args.get(name) for name in ("group", "having", "distinct", "qualify"))
        if limit is None or grouped or not self.is_exact or self._joins is None:
            return None
        if any(one.find(exp.AggFunc, exp.Window) for one in tree.expressions):
            return None
        try:
            rows = int(self._translator.sql(limit.expression))
            if offset := tree.args.get("offset"):
                rows += int(self._translator.sql(offset.expression))
            return f"{self._order(tree.args.get('order'))} limit {rows}"
        except (UntranslatableError, ValueError):
            return None

    def _order(self, order: exp.Expression | None) -> str:
        parts = []
        for item in order.expressions if order else ():
            node = item.this
            if isinstance(node, exp.Column) and not node.table:
                node = self._aliases.get(node.name, node)
            direction = "desc" if item.args.get("desc") else "asc"
            nulls = "first" if item.args.get("nulls_first") else "last"
            parts.append(f"{self._translator.sql(node)} {direction} nulls {nulls}")
        return f" order by {', '.join(parts)}" if parts else ""

    # --- counts -------------------------------------------------------------------------------

    def _counted(self, answer: str) -> tuple[Question, tuple[int, int, str]] | None:
        """Ask for counts by what the statement groups by, and add them to those of DuckDB."""
        read, tree = self._read, self._read.tree
        if not self.is_exact or tree.args.get("joins") or not _is_grouped(tree):
            return None
        try:
            selected, groups, merged = self._merged()
        except UntranslatableError:
            return None
        names = ", ".join(f'"{one.alias_or_name}"' for one in tree.expressions)
        by = f" group by {', '.join(groups)}" if groups else ""
        at = read.at - read.start
        head = f"{read.head[:at]}{HOT}{'' if read.has_alias else f' as {read.alias}'}"
        head += read.head[at + read.upto - read.at :]
        text = (
            f"select {', '.join(merged)} from ({head} union all select {names} from {answer})"
            f"{' group by all' if groups else ''} {self._tail()}"
        )
        sql = f"select {', '.join(selected)} {self._from()}{by}"
        return self._question(sql, is_bounded=True), (read.start, read.end, text)

    def _tail(self) -> str:
        return re.sub(rf"\b{re.escape(self._read.alias)}\.", "", self._read.tail)

    def _merged(self) -> tuple[list[str], list[str], list[str]]:
        """Return what is selected, by what it is grouped, and how the results are added."""
        selected, groups, merged = [], [], []
        for item in self._read.tree.expressions:
            name, node = item.alias_or_name, item.unalias()
            is_named = bool(item.alias) or isinstance(node, exp.Column)
            if not is_named or '"' in name:
                raise UntranslatableError("a column without a name")
            sql = self._translator.sql(node)
            selected.append(f"{sql} as `{name}`")
            added = _added(node)
            if added:
                merged.append(added.format(f'"{name}"'))
            elif node.find(exp.AggFunc):
                raise UntranslatableError("an aggregate")
            else:
                groups.append(sql)
                merged.append(f'"{name}"')
        return selected, groups, merged


def _is_of_few(condition: exp.Expression) -> bool:
    """Return whether *condition* is that a column with Bloom filters has one of a few values."""
    column = condition.this
    listed = condition.expressions if isinstance(condition, exp.In) else ()
    is_listed = 0 < len(listed) <= _FEW_VALUES and all(isinstance(v, exp.Literal) for v in listed)
    return (
        (is_listed or isinstance(condition, exp.EQ))
        and isinstance(column, exp.Column)
        and column.name in _FILTERED
    )


def _is_grouped(tree: exp.Select) -> bool:
    """Return whether *tree* is counts by what it selects besides, and nothing else."""
    if any(tree.args.get(name) for name in ("having", "qualify", "distinct", "offset")):
        return False
    plain = [one for one in tree.expressions if not one.find(exp.AggFunc)]
    if len(plain) == len(tree.expressions) or any(one.find(exp.Window) for one in tree.expressions):
        return False
    group = tree.args.get("group")
    if group is None:
        return not plain
    if group.args.get("all"):
        return True
    # By name, by alias or by its text.
    by = {one.sql() for one in group.expressions}
    return len(by) == len(plain) and all(
        {one.alias_or_name, one.unalias().sql()} & by for one in plain
    )


def _added(node: exp.Expression) -> str:
    """Return how results of the aggregate *node* are added, or ""."""
    if isinstance(node, exp.Filter):
        node = node.this
    if isinstance(node, exp.Count) and not isinstance(node.this, exp.Distinct):
        return "sum({0})::bigint as {0}"
    if isinstance(node, exp.Min):
        return "min({0}) as {0}"
    return "max({0}) as {0}" if isinstance(node, exp.Max) else ""


def _column(ask: Ask, sql: str) -> list[Any]:
    table = ask(sql)
    if table.num_columns != 1:
        raise UntranslatableError("several columns")
    values: list[Any] = table.column(0).to_pylist()
    return values
