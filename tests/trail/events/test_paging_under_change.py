"""Pages of one moment show each event once, while events arrive, merge and are removed."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow as pa
import pytest

from tests.trail import random_trail
from tests.trail.random_trail import NOW
from trail.events import events
from trail.events.cursor import Cursor
from trail.integrity import mirror
from trail.retention.purge import Purge
from trail.storage.duckdb import Store
from trail.storage.engine import Params, Reading
from trail.storage.filters import Filter, Window

TIMES = [dt.datetime(2026, 10, 1) + dt.timedelta(hours=number) for number in range(90)]


def record(name: str, at: dt.datetime) -> str:
    """Return the record of an event whose target and actor are of no other one, and go with it."""
    email, target = f"{name}@x.example", ("source", f"id-{name}", name)
    return random_trail.event(name, at, actor=email, email=email, target=target)


class Changing:
    """The engine of a store that *change* changes after every few of its queries."""

    def __init__(self, store: Store, every: int, change: Callable[[], None]) -> None:
        self._store, self._every, self._change, self._asked = store, every, change, 0

    def table(self, sql: str, params: Params | None = None) -> pa.Table:
        self._asked += 1
        if self._asked % self._every == 0:
            self._change()
        return self._store.table(sql, params)

    def reading(self) -> AbstractContextManager[Reading]:
        return self._store.reading()


def ids(store: Store) -> set[str]:
    return {row["event_id"] for row in events.page(store, Filter(), NOW, rows=10_000).rows}


@pytest.mark.parametrize(("sort", "every"), [("newest", 3), ("oldest", 2), ("actor_email", 2)])
def test_no_event_is_lost_or_shown_twice(tmp_path: Path, sort: str, every: int) -> None:
    lines = [record(f"e{number:03}", at) for number, at in enumerate(TIMES)]
    store = random_trail.store_of(tmp_path, lines)
    seals = mirror.files(store.path, random_trail.settings(tmp_path))
    changes = 0

    def change() -> None:
        nonlocal changes
        changes += 1
        at = TIMES[7 * changes % len(TIMES)] + dt.timedelta(seconds=1)
        random_trail.add(store, tmp_path, [record(f"new-{changes}", at)])
        edge = TIMES[min(changes, 60)]
        store.write(Purge(Window(None, edge), True, None, edge, 0, edge, "test", seals).run)

    engine = Changing(store, every, change)
    before, shown, after = ids(store), [], None
    while True:
        page = events.page(engine, Filter(sort=sort), NOW, after=after, rows=30)
        shown += [row["event_id"] for row in page.rows]
        if not page.has_after:
            break
        after = Cursor.parse(str(page.last))
    assert changes > 3
    assert len(set(shown)) == len(shown)
    assert before & ids(store) <= set(shown)
    store.close()
