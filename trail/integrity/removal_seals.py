"""Seal the days that lose events to the retention policy, in the transaction of the purge.

Call `require_valid_chain` first, `measure` before the deletes, `seal_removal` after them, `compact`
after batches were deleted, and `mirror.catch_up` after the commit. The events to be removed are in
the temporary table `going` (event_id, occurred_at).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trail.integrity import (
    archive_check,
    chain,
    chain_history,
    day_comparison,
    row_digest,
    seal_store,
    sealing,
)
from trail.integrity.archive_check import Part
from trail.integrity.mirror import Files
from trail.integrity.row_digest import EVENT, TWIN, Ask
from trail.storage import ledger
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store


@dataclass(slots=True)
class Removal:
    """Rows (events, second reports) to be removed by day and by batch, and earlier problems."""

    days: dict[dt.date, list[int]] = field(default_factory=dict)
    batches: dict[int, list[int]] = field(default_factory=dict)
    doubts: dict[dt.date, dict[str, int]] = field(default_factory=dict)


def require_valid_chain(store: Store, where: Files) -> None:
    """Raise `IntegrityError` if the chain is invalid; nothing may be removed then."""
    with sealing.snapshot(store) as ask:
        chain_history.read(ask, where).require_valid()


def measure(cursor: Cursor, twins: str) -> Removal:
    """Return the counts of what is removed: the rows of `going`, and those of `twins`.

    *twins* is the SQL condition by which the caller deletes second reports.
    """
    ask = seal_store.asking(cursor)
    removal = Removal()
    for at, table, where in (
        (0, "events", "(event_id, occurred_at) in (select event_id, occurred_at from going)"),
        (1, "twins", twins),
    ):
        for row in ask(
            "select occurred_at::date as day, coalesce(batch_id, 0) as batch, count(*) as n "
            f"from {table} where {where} group by all"
        ):
            removal.days.setdefault(row["day"], [0, 0])[at] += row["n"]
            removal.batches.setdefault(row["batch"], [0, 0])[at] += row["n"]
    lines = _latest(ask, list(removal.days))
    edges = [line.edge for line in lines.values()]
    for day, counts in row_digest.counts(ask, edges).items():
        doubt = _doubt(ask, lines[day], counts, removal.days[day])
        if doubt:
            removal.doubts[day] = doubt
    return removal


def seal_removal(
    cursor: Cursor,
    where: Files,
    removal: Removal,
    reason: str,
    made_by: str,
    now: dt.datetime,
    archived: Mapping[dt.date, Part],
) -> int:
    """Seal each day of *removal* as it is after the deletes; return how many. *now* is UTC.

    *archived* are the parts of the archive that have the removed events.

    Days after *now*, of events that are dated in the future, are never sealed ahead of time.
    """
    if not removal.days:
        return 0
    with ledger.changing(cursor, "removals"):
        for batch, (events, twins) in removal.batches.items():
            cursor.execute(
                "insert into removals values ($batch, $events, $twins)",
                {"batch": batch, "events": events, "twins": twins},
            )
    ask = seal_store.asking(cursor)
    edge = seal_store.edge(ask, now)
    statements: list[seal_store.Statement] = []
    for day_edge, day_rows in row_digest.scan_edges(
        ask, [edge.on(day) for day in sorted(removal.days) if day <= now.date()]
    ):
        events, twins = removal.days[day_edge.day]
        more: dict[str, Any] = {"gone": events, "gone_twins": twins}
        if day_edge.day in archived:
            more["archive"] = archive_check.as_section([archived[day_edge.day]])
        if day_edge.day in removal.doubts:
            more["doubt"] = removal.doubts[day_edge.day]
        body = chain.statement(
            chain.PURGE, day_edge, day_rows, reason=reason, made_by=made_by, **more
        )
        statements.append((body, day_rows))
    return len(seal_store.append(cursor, where, statements, now))


def seal_expiry(
    cursor: Cursor,
    where: Files,
    removed: Mapping[dt.date, int],
    kept: Mapping[dt.date, Part],
    reason: str,
    made_by: str,
    now: dt.datetime,
) -> int:
    """Seal each archived day of which events were *removed* from the archive; return how many.

    *kept* are the parts with what is left of them, which replace the parts stated before. *now* is
    UTC.
    """
    ask = seal_store.asking(cursor)
    edge = seal_store.edge(ask, now)
    statements: list[seal_store.Statement] = []
    for day_edge, day_rows in row_digest.scan_edges(ask, [edge.on(day) for day in sorted(removed)]):
        parts = [kept[day_edge.day]] if day_edge.day in kept else []
        body = chain.statement(
            chain.PURGE,
            day_edge,
            day_rows,
            reason=reason,
            made_by=made_by,
            gone=0,
            gone_twins=0,
            archive=archive_check.as_section(parts),
            archive_gone=removed[day_edge.day],
        )
        statements.append((body, day_rows))
    return len(seal_store.append(cursor, where, statements, now))


def _latest(ask: Ask, days: list[dt.date]) -> dict[dt.date, chain.Line]:
    """Return the newest line of each of *days*, if any."""
    if not days:
        return {}
    listed = ", ".join(f"date '{day.isoformat()}'" for day in days)
    texts = ask(
        f"select line from seals where day in ({listed}) "
        "qualify row_number() over (partition by day order by number desc) = 1"
    )
    lines = (chain.read([row["line"]])[0] for row in texts)
    return {line.day: line for line in lines if line.day and not line.fault}


def _doubt(
    ask: Ask, line: chain.Line, counts: dict[str, list[int]], removed: list[int]
) -> dict[str, int]:
    """Return the problems of a day before rows are removed; if none remain, by counts only."""
    remaining = sum(sum(count) for count in counts.values()) - sum(removed)
    if remaining:
        day_rows = row_digest.scan(ask, [line.edge])[line.edge.day]
        differs = day_comparison.difference(line, seal_store.parts(ask).get(line.number), day_rows)
        doubt = {
            "missing": differs.missing,
            "added": differs.added,
            "changed": differs.changed,
        }
    else:
        gaps = [
            counts[EVENT][0] - int(line.body["events"]),
            counts[TWIN][0] - int(line.body["twins"]),
        ]
        doubt = {
            "missing": sum(max(-gap, 0) for gap in gaps),
            "added": sum(max(gap, 0) for gap in gaps),
        }
    return {problem: n for problem, n in doubt.items() if n}


def compact(cursor: Cursor) -> None:
    """Keep one row per batch, and one for all deleted batches.

    Call it after batches were deleted, in the same transaction: their numbers are reused.
    """
    cursor.execute(
        "create or replace temp table removed as select "
        "case when batch_id in (select batch_id from batches) then batch_id end as batch_id, "
        "sum(events)::bigint as events, sum(twins)::bigint as twins from removals group by all"
    )
    with ledger.changing(cursor, "removals"):
        cursor.execute("delete from removals")
        cursor.execute("insert into removals select * from removed")
    cursor.execute("drop table removed")
