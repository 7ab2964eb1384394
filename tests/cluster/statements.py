"""The statements of the product that ask a cluster anything, recorded while its tests ran.

    python -m pytest -p tests.cluster.statements --record FILE tests/trail tests/ui

records them into FILE; `statements.ndjson` is that of all tests. Of all statements so many are kept
that each clause of each question is in one of them.
"""

import contextlib
import datetime as dt
import json
import re
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from trail.storage import cluster_plan, duckdb
from trail.storage.connection import Cursor, ask
from trail.storage.engine import Params
from trail.storage.spark_sql import UntranslatableError

FILE = Path(__file__).with_name("statements.ndjson")
_TIME = "datetime"
# Tables in which a database with an archive has other rows than one without.
_OWN = re.compile(r"\b(removals|seals|cold_\w+)\b")
# A table whose name depends on the store.
_TABLE = re.compile(r"\b(?:trail\.|tiers_)(events|cube|actor_cube)\b")
_CLAUSES = re.compile(r" (?=from |where |group by |order by |limit |join )|(?<=\)) and (?=\()")
_VALUES = re.compile(r"'[^']*'|\b\d+L?\b")
_LIST = re.compile(r"\(#(, #)+\)|(\(#(, #)*\), )+\(#(, #)*\)")
_REPEATED = re.compile(r"\(*[\w.]+ in \(#\)\)*( or \(*[\w.]+ in \(#\)\)*)+")


@dataclass(frozen=True)
class Statement:
    """A statement: what `events` and other names stand for, its SQL and parameters."""

    sql: str
    params: Params
    tables: dict[str, str]
    views: dict[str, str]

    def views_for(self, store: duckdb.Store) -> dict[str, str]:
        """Return the views for *store*, in which tables may have other names."""

        def named(match: re.Match[str]) -> str:
            return store.source(match[1])

        return {name: _TABLE.sub(named, sql) for name, sql in self.views.items()}

    def to_json(self) -> str:
        """Return it as a line of the file."""
        fields = {"sql": self.sql, "params": self.params, "tables": self.tables}
        return json.dumps({**fields, "views": self.views}, default=_encoded)


def recorded() -> list[Statement]:
    """Return the statements of the file."""
    lines = FILE.read_text().splitlines()
    return [Statement(**json.loads(line, object_hook=_decoded)) for line in lines]


def clauses(questions: list[cluster_plan.Question]) -> frozenset[str]:
    """Return the clauses of *questions*, without values."""
    shapes = (_LIST.sub("(#)", _VALUES.sub("#", one.sql)) for one in questions)
    return frozenset(clause.strip("() ") for shape in shapes for clause in _CLAUSES.split(shape))


def covering(found: list[tuple[Statement, frozenset[str]]]) -> Iterator[Statement]:
    """Yield so many of the statements that each of their clauses is in one of them."""
    seen: set[str] = set()
    for statement, parts in sorted(found, key=lambda one: (-len(one[1]), len(one[0].sql))):
        if parts - seen:
            seen |= parts
            yield statement


def _encoded(value: object) -> dict[str, str]:
    assert isinstance(value, dt.datetime), value
    return {_TIME: value.isoformat()}


def _decoded(value: dict[str, Any]) -> Any:
    return dt.datetime.fromisoformat(value[_TIME]) if value.keys() == {_TIME} else value


_narrowed: ContextVar[tuple[dict[str, str], dict[str, str]]] = ContextVar("n", default=({}, {}))
_found: list[tuple[Statement, frozenset[str]]] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the file."""
    parser.addoption("--record", type=Path)


def pytest_configure() -> None:
    """Record what each store is asked from now on."""
    answered, asked = duckdb.Store.answered, duckdb._Narrowed._asked_once

    def record(
        store: duckdb.Store, cursor: Cursor, sql: str, params: Params | None, within: str = ""
    ) -> pa.Table:
        _note(cursor, sql, params or {}, within)
        return answered(store, cursor, sql, params, within)

    def note_views(engine: duckdb._Narrowed, sql: str, params: Params | None) -> pa.Table:
        token = _narrowed.set((engine._tables, engine._views))
        try:
            return asked(engine, sql, params)
        finally:
            _narrowed.reset(token)

    setattr(duckdb.Store, "answered", record)
    setattr(duckdb._Narrowed, "_asked_once", note_views)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the file."""
    lines = (statement.to_json() + "\n" for statement in covering(_found))
    session.config.getoption("record").write_text("".join(lines))


def _note(cursor: Cursor, sql: str, params: Params, within: str) -> None:
    def local(query: str) -> pa.Table:
        return ask(cursor, query, {name: params[name] for name in re.findall(r"\$(\w+)", query)})

    if _OWN.search(sql):
        return
    statement = Statement(sql, params, *_narrowed.get())
    with contextlib.suppress(UntranslatableError, TypeError, AssertionError):
        statement.to_json()
        within = _TABLE.sub(r"\1", within)
        if questions := cluster_plan.plan(sql, params, local, within).questions:
            # Of some events only, each clause is asked in another way.
            mark = "some: " if within else ""
            _found.append((statement, frozenset(mark + one for one in clauses(questions))))
