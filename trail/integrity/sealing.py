"""Seal closed days; seal a day again, with the reason, when late rows arrive.

Statements are only added, and never for a day that does not match its seal. Hashing runs on a
snapshot; the writer only signs.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from trail.core.clock import utc_now
from trail.core.errors import IntegrityError, UnavailableError
from trail.core.settings import Settings
from trail.integrity import (
    batch_balance,
    chain,
    chain_history,
    clock_check,
    commits,
    high_water_mark,
    ledger_check,
    ledger_shortening,
    mirror,
    row_digest,
    seal_store,
)
from trail.integrity.mirror import Files
from trail.integrity.row_digest import Ask, DayRows, Edge
from trail.storage import ledger
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine, Reading

SPAN_ROWS = 1_000_000

# Empty days are sealed from the first event on, unless its date is implausible.
_MAX_EMPTY = dt.timedelta(days=400)
_DAY = dt.timedelta(days=1)
_ATTEMPTS = 5


class Snapshot:
    """Queries one consistent snapshot, either into dictionaries or in Arrow batches."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def __call__(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return [row for batch in self.batches(sql) for row in batch.to_pylist()]

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query in batches."""
        return self._reading.batches(sql, {}, 50_000)


@contextlib.contextmanager
def snapshot(engine: Engine) -> Iterator[Snapshot]:
    """Give one consistent snapshot to query."""
    with engine.reading() as reading:
        yield Snapshot(reading)


def seal(
    store: Store,
    settings: Settings,
    now: dt.datetime,
    progress: Callable[[float], None] | None = None,
) -> int:
    """Seal the UTC days that are closed at *now*, and days with late rows; return how many.

    *now* is UTC without zone. A day that does not match its seal is skipped. Raises
    `IntegrityError` if the chain is invalid or the clock is implausible, `UnavailableError` if the
    mirror cannot be written (the seals are stored, and the next call mirrors them).
    """
    clock_check.require_plausible(store, now)
    where = mirror.files(store.path, settings)
    for _ in range(_ATTEMPTS):
        done = _once(store, where, now, settings.seals.close_hours, progress)
        if done is not None:
            mirror.catch_up(store, where)
            return done
    raise UnavailableError("Sealing was interrupted by other changes.", "It will be retried.")


def newest_closed(now: dt.datetime, close_hours: float) -> dt.date:
    """Return the newest UTC day that is closed at *now*."""
    return (now - dt.timedelta(hours=close_hours)).date() - _DAY


def _once(
    store: Store,
    where: Files,
    now: dt.datetime,
    close_hours: float,
    progress: Callable[[float], None] | None,
) -> int | None:
    """Seal what is due on one snapshot; return None if the chain has grown meanwhile."""
    edge = store.write(lambda cursor: seal_store.edge(seal_store.asking(cursor), utc_now()))
    heads = high_water_mark.ledger_heads(where.known)  # before the snapshot, which may have more
    with snapshot(store) as ask:
        number, _ = seal_store.last(ask)
        current = chain_history.read(ask, where)
        current.require_valid()
        closed = newest_closed(now, close_hours)
        statements = list(_statements(ask, current, heads, edge, closed, progress))

    def job(cursor: Cursor) -> int | None:
        if seal_store.last(seal_store.asking(cursor))[0] != number:
            return None
        added = seal_store.append(cursor, where, statements, utc_now())
        ledger_shortening.shorten(cursor, where)
        return len(added)

    return store.write(job) if statements else 0


def _changed_days(
    snapshot: Snapshot, current: chain_history.History, heads: ledger_check.Heads
) -> set[dt.date]:
    """Return the days whose rows differ from what commits stored; they must not be sealed.

    Raises `IntegrityError` if the ledger of commits itself is invalid.
    """
    sealed = ledger_check.stated(current, ledger.COMMITS)
    chain_ = ledger_check.read_one(snapshot, ledger.COMMITS, sealed, heads)
    if chain_.problems:
        raise IntegrityError(
            "The ledger of commits is invalid, so no day is sealed.",
            "Run: python -m trail verify",
        )
    edges = {day: line.edge for day, line in current.latest.items()}
    problems = commits.problems(snapshot, snapshot.batches, chain_, edges)
    return {problem.day for problem in problems if problem.day}


def _statements(
    ask: Snapshot,
    current: chain_history.History,
    heads: ledger_check.Heads,
    edge: Edge,
    closed: dt.date,
    progress: Callable[[float], None] | None,
) -> Iterator[seal_store.Statement]:
    counts = row_digest.per_day(ask)
    due = _due(counts, current, closed)
    with_late_rows = sorted(row_digest.late(ask, [line.edge for line in current.latest.values()]))
    late = _late_reasons(ask, current, with_late_rows)
    skipped = _changed_days(ask, current, heads) if due or late else set()
    days = [day for day in (*due, *late) if day not in skipped]
    groups = row_digest.spans([edge.on(day) for day in days], counts, SPAN_ROWS)
    for number, group in enumerate(groups, 1):
        for day_edge, day_rows in row_digest.scan_edges(ask, group):
            reason = late.get(day_edge.day, "closed")
            yield chain.statement(chain.DAY, day_edge, day_rows, reason=reason), day_rows
        if progress:
            progress(number / len(groups))


def _due(
    counts: dict[dt.date, int], current: chain_history.History, closed: dt.date
) -> list[dt.date]:
    """Return the closed days without a seal: those with events, and empty days in between."""
    days = {day for day in counts if day <= closed}
    firsts = [day for day in (*days, *current.latest) if day >= closed - _MAX_EMPTY]
    if firsts:
        first = min(firsts)
        days |= {first + number * _DAY for number in range((closed - first).days + 1)}
    return sorted(days - set(current.latest))


def _late_reasons(
    ask: Ask, current: chain_history.History, days: list[dt.date]
) -> dict[dt.date, str]:
    """Return the reason to seal again, for those of *days* whose late rows came from a load.

    Their sealed rows must be unchanged; verification reports the other days.
    """
    if not days:
        return {}
    imbalances = batch_balance.imbalances(ask)
    reasons = {}
    for day in days:
        line = current.latest[day]
        day_rows = row_digest.scan(ask, [line.edge])[day]
        if chain_history.matches(line, day_rows) and not day_rows.late.keys() & imbalances.keys():
            reasons[day] = late_text(day_rows)
    return reasons


def late_text(day_rows: DayRows) -> str:
    """Return what arrived late as text: `late: +3 events in batch 7`."""
    batches = []
    for batch, (events, twins) in sorted(day_rows.late.items()):
        counts = [f"+{events} event{'s' * (events != 1)}"] if events else []
        counts += [f"+{twins} second report{'s' * (twins != 1)}"] if twins else []
        batches.append(f"{' and '.join(counts)} in batch {batch}")
    return f"late: {'; '.join(batches[:20])}{'; and more' * (len(batches) > 20)}"
