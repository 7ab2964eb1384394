"""What a restored backup leaves behind: signed lines that say which copy it is, and what it lacks.

Separate because it is the one lawful way back. The chain is never cut: what was sealed after the
copy was made is taken over from the mirror outside, as long as it continues the copy's chain and
was signed by its key; then each day of those lines is stated anew, as the copy has it. A day that
did not hold in the copy is left to be told by verify: a restore heals nothing.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from trail.seals import chain, history, kept, keys, mirror, rows, sealing
from trail.seals.chain import Line
from trail.settings import Settings
from trail.store import Cursor, Store, utc_now


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many lines were signed, and how many were taken over; *apart* belong to another chain."""

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
    """Continue the chain of *store*, a copy, so that it says what it is; return what was done.

    *outside* are the lines of the mirror that was in use; *doubted* are days that verify complains
    of. *more* goes into each signed line. Signs nothing where the copy's own chain does not hold.
    """
    where = mirror.files(store.path, settings)
    edge = store.write(lambda cursor: kept.edge(kept.asking(cursor), utc_now()))
    with sealing.snapshot(store) as ask:
        found = history.read(ask, where)
        own = found.holding()
        if found.problems or found.absent or len(own) != len(found.own):
            return Recorded(0, 0, 0)
        newer, apart = _newer(own, chain.read(outside, keys.public(where.key)))
        days = {line.day for line in newer if line.day} or {max(found.latest, default=_today())}
        edges = [sealing.moved(edge, day) for day in sorted(days - set(doubted))]
        statements: list[kept.Statement] = []
        for group in rows.spans(edges, rows.per_day(ask), sealing.SPAN_ROWS):
            held = rows.scan(ask, group)
            statements += [
                (
                    chain.statement(
                        chain.RESTORED,
                        each,
                        held[each.day],
                        reason=reason,
                        made_by=made_by,
                        **more,
                    ),
                    held[each.day],
                )
                for each in group
            ]

    def job(cursor: Cursor) -> int:
        kept.replace(cursor, [*own, *newer])
        return len(kept.append(cursor, where, statements, utc_now())) if statements else 0

    return Recorded(store.write(job), len(newer), apart)


def _today() -> dt.date:
    # What the record speaks of where no day was sealed yet.
    return utc_now().date()


def _newer(own: list[Line], outside: list[Line]) -> tuple[list[Line], int]:
    """Return the lines of *outside* that continue *own*, and how many are of another chain."""
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
