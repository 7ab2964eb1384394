"""Record a restore in the chain of the restored copy, by signed lines.

The chain is never shortened: lines sealed after the backup are added from the mirror in use, as
long as they continue the copy's chain and have its key. Each of their days is then sealed again as
the copy contains it. Days that did not match in the copy are left for verification to report.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.integrity import chain, chain_history, key_file, mirror, row_digest, seal_store, sealing
from trail.integrity.chain import Line
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store


@dataclass(frozen=True, slots=True)
class Recorded:
    """Counts of lines signed, of lines added from the mirror, and of lines of another chain."""

    signed: int
    taken_over: int
    apart: int


def record(
    store: Store,
    settings: Settings,
    outside: list[str],
    doubted: Collection[dt.date],
    reason: str,
    made_by: str,
    more: dict[str, Any],
) -> Recorded:
    """Record the restore in the chain of *store*, the copy; return what was done.

    *outside* are the lines of the mirror in use; *doubted* are days with problems. *more* is added
    to each signed line. Signs nothing if the copy's own chain is invalid.
    """
    where = mirror.files(store.path, settings)
    edge = store.write(lambda cursor: seal_store.edge(seal_store.asking(cursor), utc_now()))
    with sealing.snapshot(store) as ask:
        current = chain_history.read(ask, where)
        own = current.valid_chain()
        if current.problems or current.absent or len(own) != len(current.own):
            return Recorded(0, 0, 0)
        newer, apart = _newer(own, chain.read(outside, key_file.public(where.key)))
        days = {line.day for line in newer if line.day}
        days = days or {max(current.latest, default=utc_now().date())}
        edges = [edge.on(day) for day in sorted(days - set(doubted))]
        statements: list[seal_store.Statement] = []
        for group in row_digest.spans(edges, row_digest.per_day(ask), sealing.SPAN_ROWS):
            for day_edge, day_rows in row_digest.scan_edges(ask, group):
                body = chain.statement(
                    chain.RESTORED, day_edge, day_rows, reason=reason, made_by=made_by, **more
                )
                statements.append((body, day_rows))

    def job(cursor: Cursor) -> int:
        seal_store.replace(cursor, [*own, *newer])
        return len(seal_store.append(cursor, where, statements, utc_now())) if statements else 0

    return Recorded(store.write(job), len(newer), apart)


def _newer(own: list[Line], outside: list[Line]) -> tuple[list[Line], int]:
    """Return the lines of *outside* that continue *own*, and the count of other lines."""
    shared = min(len(own), len(outside))
    if any(outside[at].seal != own[at].seal for at in range(shared)):
        return [], len(outside)
    newer: list[Line] = []
    prev = own[-1].seal if own else chain.FIRST
    for line in outside[shared:]:
        if line.fault or line.number != len(own) + len(newer) + 1 or line.body["prev"] != prev:
            break
        newer.append(line)
        prev = line.seal
    return newer, max(len(outside) - shared - len(newer), 0)
