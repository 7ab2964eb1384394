"""What a lawful removal leaves behind: a seal for each day that lost rows, in its transaction.

Separate because whoever removes events (retention now, others later) calls these, and nothing
else: `ready` ahead of all, `counted` ahead of the deletes, `leave` after them, `tidy` after batches
were deleted, and `mirror.catch_up` after the commit. What goes is in the temporary table
`going` (event_id, occurred_at).
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from trail.seals import chain, compare, history, kept, rows, sealing
from trail.seals.mirror import Files
from trail.seals.rows import EVENT, TWIN, Ask
from trail.store import Cursor, Store


@dataclass(slots=True)
class Going:
    """What is about to go, and what was wrong with its days before it went."""

    days: dict[dt.date, list[int]] = field(default_factory=dict)
    batches: dict[int, list[int]] = field(default_factory=dict)
    doubts: dict[dt.date, dict[str, int]] = field(default_factory=dict)


def ready(store: Store, where: Files) -> None:
    """Raise `IntegrityError` when the chain does not hold: nothing may be removed then."""
    with sealing.snapshot(store) as ask:
        history.read(ask, where).must_hold()


def counted(cursor: Cursor, twins: str) -> Going:
    """Return what the rows of `going`, and the second reports that *twins* selects, are.

    *twins* is the SQL condition by which the caller then deletes from `twins`.
    """
    ask = kept.asking(cursor)
    going = Going()
    for at, table, where in (
        (0, "events", "(event_id, occurred_at) in (select event_id, occurred_at from going)"),
        (1, "twins", twins),
    ):
        for row in ask(
            "select occurred_at::date as day, coalesce(batch_id, 0) as batch, count(*) as n "
            f"from {table} where {where} group by all"
        ):
            going.days.setdefault(row["day"], [0, 0])[at] += row["n"]
            going.batches.setdefault(row["batch"], [0, 0])[at] += row["n"]
    lines = _latest(ask, list(going.days))
    edges = [line.edge for line in lines.values()]
    for day, found in rows.counts(ask, edges).items():
        doubt = _doubt(ask, lines[day], found, going.days[day])
        if doubt:
            going.doubts[day] = doubt
    return going


def leave(
    cursor: Cursor, where: Files, going: Going, reason: str, made_by: str, now: dt.datetime
) -> int:
    """Seal each day of *going* as it is after the deletes; return how many seals. *now* is UTC.

    After the commit, `mirror.catch_up` brings them to the mirror.
    """
    if not going.days:
        return 0
    for batch, (events, twins) in going.batches.items():
        cursor.execute(
            "insert into removals values ($batch, $events, $twins)",
            {"batch": batch, "events": events, "twins": twins},
        )
    ask = kept.asking(cursor)
    edge = kept.edge(ask, now)
    days = sorted(going.days)
    found = rows.scan(ask, [sealing.moved(edge, day) for day in days])
    statements: list[kept.Statement] = []
    for day in days:
        more: dict[str, Any] = {"gone": going.days[day][0], "gone_twins": going.days[day][1]}
        if day in going.doubts:
            more["doubt"] = going.doubts[day]
        body = chain.statement(
            chain.PURGE,
            sealing.moved(edge, day),
            found[day],
            reason=reason,
            made_by=made_by,
            **more,
        )
        statements.append((body, found[day]))
    return len(kept.append(cursor, where, statements, now))


def _latest(ask: Ask, days: list[dt.date]) -> dict[dt.date, chain.Line]:
    """Return the newest line of each of *days* that has one."""
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
    ask: Ask, line: chain.Line, found: dict[str, list[int]], going: list[int]
) -> dict[str, int]:
    """Return what is wrong with a day before it loses rows: by counts, and where rows stay, all."""
    stay = sum(sum(counts) for counts in found.values()) - sum(going)
    if stay:
        there = rows.scan(ask, [line.edge])[line.edge.day]
        differs = compare.difference(line, kept.parts(ask).get(line.number), there)
        words = {
            "missing": differs.missing,
            "added": differs.added,
            "changed": differs.changed,
        }
    else:
        gaps = [
            found[EVENT][0] - int(line.body["events"]),
            found[TWIN][0] - int(line.body["twins"]),
        ]
        words = {
            "missing": -sum(gap for gap in gaps if gap < 0),
            "added": sum(gap for gap in gaps if gap > 0),
        }
    return {word: n for word, n in words.items() if n}


def tidy(cursor: Cursor) -> None:
    """Keep one row a batch, and one for all batches that are no more.

    To be called after batches were deleted, in the same transaction: a number is given again.
    """
    cursor.execute(
        "create or replace temp table removed as select "
        "case when batch_id in (select batch_id from batches) then batch_id end as batch_id, "
        "sum(events)::bigint as events, sum(twins)::bigint as twins from removals group by all"
    )
    cursor.execute("delete from removals")
    cursor.execute("insert into removals select * from removed")
    cursor.execute("drop table removed")
