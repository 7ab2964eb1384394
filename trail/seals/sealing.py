"""Days that close get a seal; rows that come later get another, with the reason.

Separate from checking: this one only ever adds statements, and adds none on top of what does not
match. All hashing is done beside the writer, on a snapshot; the writer only signs.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from trail.errors import UnavailableError
from trail.seals import accounts, chain, history, kept, mirror, rows
from trail.seals.mirror import Files
from trail.seals.rows import Ask, DayRows, Edge
from trail.settings import Settings
from trail.store import Cursor, Engine, Store, utc_now

SPAN_ROWS = 1_000_000

# Empty days are sealed from the first event on, but not from one with a senseless date.
_LONGEST_EMPTY = dt.timedelta(days=400)
_DAY = dt.timedelta(days=1)
_TRIES = 5


@contextlib.contextmanager
def snapshot(engine: Engine) -> Iterator[Ask]:
    """Give a way to ask one consistent snapshot, whatever is written meanwhile."""
    with engine.reading() as reading:

        def ask(sql: str) -> list[dict[str, Any]]:
            return [row for batch in reading.batches(sql, {}, 50_000) for row in batch.to_pylist()]

        yield ask


def seal(
    store: Store,
    settings: Settings,
    now: dt.datetime,
    progress: Callable[[float], None] | None = None,
) -> int:
    """Seal the UTC days that have closed at *now*, and those with late rows; return how many.

    *now* is UTC without a zone. A day that no longer matches its seal is left as it is. Raises
    `IntegrityError` when the seals themselves do not hold, `UnavailableError` when the mirror
    cannot be written (the seals are kept then, and mirrored by the next call).
    """
    where = mirror.files(store.path, settings)
    for _ in range(_TRIES):
        done = _once(store, where, now, settings.seals.close_hours, progress)
        if done is not None:
            mirror.catch_up(store, where)
            return done
    raise UnavailableError("The trail changes too fast to be sealed.", "It is tried again soon.")


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
    """Seal what is due on one snapshot; None when the chain has grown meanwhile."""
    edge = store.write(lambda cursor: kept.edge(kept.asking(cursor), utc_now()))
    with snapshot(store) as ask:
        number, _ = kept.last(ask)
        known = history.read(ask, where)
        known.must_hold()
        statements = list(_statements(ask, known, edge, newest_closed(now, close_hours), progress))

    def job(cursor: Cursor) -> int | None:
        if kept.last(kept.asking(cursor))[0] != number:
            return None
        return len(kept.append(cursor, where, statements, utc_now()))

    return store.write(job) if statements else 0


def _statements(
    ask: Ask,
    known: history.History,
    edge: Edge,
    closed: dt.date,
    progress: Callable[[float], None] | None,
) -> Iterator[kept.Statement]:
    counts = rows.per_day(ask)
    due = [moved(edge, day) for day in _due(counts, known, closed)]
    again = sorted(rows.late(ask, [line.edge for line in known.latest.values()]))
    late = _lawful(ask, known, again)
    groups = rows.spans([*due, *(moved(edge, day) for day in late)], counts, SPAN_ROWS)
    for number, group in enumerate(groups, 1):
        found = rows.scan(ask, group)
        for each in group:
            reason = late.get(each.day, "closed")
            yield (
                chain.statement(chain.DAY, each, found[each.day], reason=reason),
                found[each.day],
            )
        if progress:
            progress(number / len(groups))


def _due(counts: dict[dt.date, int], known: history.History, closed: dt.date) -> list[dt.date]:
    """Return the closed days without a seal: those with events, and the empty ones between."""
    days = {day for day in counts if day <= closed}
    firsts = [day for day in (*days, *known.latest) if day >= closed - _LONGEST_EMPTY]
    if firsts:
        first = min(firsts)
        days |= {first + number * _DAY for number in range((closed - first).days + 1)}
    return sorted(days - set(known.latest))


def _lawful(ask: Ask, known: history.History, days: list[dt.date]) -> dict[dt.date, str]:
    """Return why to reseal which of *days*: what was sealed is as it was, and a load brought more.

    The others are left for verify to tell.
    """
    if not days:
        return {}
    odd = accounts.imbalances(ask)
    reasons = {}
    for day in days:
        line = known.latest[day]
        found = rows.scan(ask, [line.edge])[day]
        if history.matches(line, found) and not set(found.late) & set(odd):
            reasons[day] = late_words(found)
    return reasons


def late_words(found: DayRows) -> str:
    """Return what came late, in words: `late: +3 events in batch 7`."""
    said = []
    for batch, (events, twins) in sorted(found.late.items()):
        words = [f"+{events} event{'s' * (events != 1)}"] if events else []
        words += [f"+{twins} second report{'s' * (twins != 1)}"] if twins else []
        said.append(f"{' and '.join(words)} in batch {batch}")
    return f"late: {'; '.join(said[:20])}{'; and more' * (len(said) > 20)}"


def moved(edge: Edge, day: dt.date) -> Edge:
    """Return *edge* for another day."""
    return Edge(day, edge.batch, edge.seen_at)
