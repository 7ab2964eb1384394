"""Each recorded statement of the product has one answer, whoever reads the archive."""

from concurrent.futures import ThreadPoolExecutor

from tests.cluster.statements import Statement, recorded
from trail.storage.clustered import ClusteredStore
from trail.storage.duckdb import Store

# Spark plans one query while it runs another.
_AT_ONCE = 4


def _answer(store: Store, statement: Statement) -> tuple[object, ...]:
    with store.narrowed(statement.tables, statement.views) as engine:
        table = engine.table(statement.sql, statement.params)
    rows = table.to_pylist()
    for row in rows:
        # In the order in which they were read.
        row.update({name: sorted(v) for name, v in row.items() if isinstance(v, list)})
    return str(table.schema), sorted(map(repr, rows))


def test_each_statement_has_the_answer_of_one_database(
    stores: tuple[ClusteredStore, Store],
) -> None:
    both, _ = stores
    statements, before = recorded(), both.cluster_queries
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = [list(pool.map(lambda one, s=s: _answer(s, one), statements)) for s in stores]
    for statement, answer, expected in zip(statements, *answers, strict=True):
        assert answer == expected, statement
    assert both.problem() is None
    assert both.cluster_queries - before > len(statements) / 2
