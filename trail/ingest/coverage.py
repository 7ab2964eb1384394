"""When the trail was watched: a ledger of asks that succeeded, of listening, and of failures.

An event that did not come may not have happened, or nobody looked. This ledger tells the two
apart. A pull watches the span that it asked for, also afterwards; a receiver watches while the
server runs. Times are UTC without a zone.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from trail.storage.database import Cursor, Engine

State = Literal["watched", "blind", "unknown"]

WATCHED, FAILED = "watched", "failed"
# A silence is reported only if each earlier week had events in these hours, and this many.
_WEEKS, _FEWEST_WEEKS, _FEWEST_EVENTS = 12, 3, 8
_SHORTEST_SILENCE = dt.timedelta(hours=1)
_DAY = dt.timedelta(days=1)
# The time since the last poll is not yet a gap.
_NOT_LATE = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time and whether it was watched; `unknown` before anything was noted."""

    start: dt.datetime
    end: dt.datetime
    state: State


@dataclass(frozen=True, slots=True)
class Silence:
    """No event since `since`, where the same hours of earlier weeks had from `low` to `high`."""

    since: dt.datetime
    weeks: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """One UTC day: its events, and the median of the same weekday before, where there is one."""

    day: dt.date
    events: int
    usual: float | None


def note(
    cursor: Cursor, source: str, state: str, start: dt.datetime, end: dt.datetime, detail: str = ""
) -> None:
    """Note that *source* was in *state* from *start* to *end*; spans that touch become one."""
    given = {"source": source, "state": state, "detail": detail, "start": start, "end": end}
    touching = (
        "from watches where source = $source and state = $state and detail = $detail "
        "and to_at >= $start and from_at <= $end"
    )
    rows = cursor.execute(f"select min(from_at), max(to_at) {touching}", given).fetchall()[0]
    cursor.execute(f"delete {touching}", given)
    if rows[0] is not None:
        given |= {"start": min(start, rows[0]), "end": max(end, rows[1])}
    cursor.execute(
        "insert into watches values ($source, $state, $start, $end, $detail, now()::timestamp)",
        given,
    )


def gaps(
    engine: Engine, source: str, start: dt.datetime, end: dt.datetime
) -> list[tuple[dt.datetime, dt.datetime]]:
    """Return the parts of [start, end) that *source* has not watched, oldest first."""
    rows = engine.table(
        "select from_at, to_at from watches where source = $source and state = 'watched' "
        "and to_at > $start and from_at < $end order by from_at",
        {"source": source, "start": start, "end": end},
    ).to_pylist()
    return _missing([(row["from_at"], row["to_at"]) for row in rows], start, end)


def spans(engine: Engine, start: dt.datetime, end: dt.datetime) -> list[Span]:
    """Return [start, end) cut into spans that were watched by any source, blind, or unknown.

    Time before the first note is unknown; where nothing was ever noted, all of it is. So is the
    last quarter of an hour before *end* until a source was asked about it: it is not late yet.
    """
    first = engine.table("select min(from_at) as first from watches where state = 'watched'")
    begun = first["first"][0].as_py()
    if begun is None or begun >= end:
        return [Span(start, end, "unknown")] if start < end else []
    result: list[Span] = []
    if start < begun:
        result.append(Span(start, begun, "unknown"))
        start = begun
    rows = engine.table(
        "select from_at, to_at from watches where state = 'watched' "
        "and to_at > $start and from_at < $end order by from_at",
        {"start": start, "end": end},
    ).to_pylist()
    at = start
    for blind in _missing([(row["from_at"], row["to_at"]) for row in rows], start, end):
        if at < blind[0]:
            result.append(Span(at, blind[0], "watched"))
        result.append(Span(*blind, "blind"))
        at = blind[1]
    if at < end:
        result.append(Span(at, end, "watched"))
    last = result[-1]
    if last.state == "blind" and last.end - last.start < _NOT_LATE:
        result[-1] = Span(last.start, last.end, "unknown")
    return result


def _missing(
    watched: list[tuple[dt.datetime, dt.datetime]], start: dt.datetime, end: dt.datetime
) -> list[tuple[dt.datetime, dt.datetime]]:
    result, at = [], start
    for first, last in watched:
        if first > at:
            result.append((at, min(first, end)))
        at = max(at, last)
    if at < end:
        result.append((at, end))
    return result


def silence(engine: Engine, now: dt.datetime) -> Silence | None:
    """Return the silence that lasts at *now*, where it is far longer than these hours' usual.

    The usual number is that of the same hours and weekdays in up to twelve weeks. A silence is
    reported if each of at least three weeks had events then, with a median of eight or more.
    """
    ends = engine.table("select min(hour) as first from cube").to_pylist()[0]
    last = engine.table(
        "select max(occurred_at) as last from events where occurred_at <= $now "
        "and occurred_at >= (select max(hour) from cube where hour <= $now)",
        {"now": now},
    )["last"][0].as_py()
    if last is None or now - last < _SHORTEST_SILENCE:
        return None
    weeks = [
        dt.timedelta(weeks=number)
        for number in range(1, _WEEKS + 1)
        if last - dt.timedelta(weeks=number) >= ends["first"]
    ]
    if len(weeks) < _FEWEST_WEEKS:
        return None
    # One scan each: bounds of its own let it skip what lies between the weeks.
    counts = engine.table(
        " union all ".join(
            "select count(*) as n from events "
            f"where occurred_at > timestamp '{last - back}' "
            f"and occurred_at <= timestamp '{now - back}'"
            for back in weeks
        )
    )["n"].to_pylist()
    if min(counts) == 0 or sorted(counts)[len(counts) // 2] < _FEWEST_EVENTS:
        return None
    return Silence(last, len(counts), min(counts), max(counts))


def days(engine: Engine, now: dt.datetime, number: int) -> list[DayCount]:
    """Return the last *number* UTC days, oldest first, each against its weekday's usual."""
    rows = engine.table(
        "select date_trunc('day', hour)::date as day, sum(n)::bigint as n from cube "
        "where hour <= $now group by all order by day",
        {"now": now},
    ).to_pylist()
    counts = {row["day"]: row["n"] for row in rows}
    first = rows[0]["day"] if rows else now.date()
    made = []
    for back in range(number - 1, -1, -1):
        day = now.date() - back * _DAY
        before = [
            counts.get(day - dt.timedelta(weeks=week), 0)
            for week in range(1, _WEEKS + 1)
            if day - dt.timedelta(weeks=week) >= first
        ]
        usual = sorted(before)[len(before) // 2] if len(before) >= _FEWEST_WEEKS else None
        made.append(DayCount(day, counts.get(day, 0), usual))
    return made


def lag(engine: Engine, now: dt.datetime) -> list[dict[str, object]]:
    """Return by loader how late the events of the last seven days came.

    Each row has loader, events, p50_s and p95_s: seconds from occurrence to arrival. Events from
    before the loader's first batch are not late: they had not been requested.
    """
    rows: list[dict[str, object]] = engine.table(
        "select b.loader, count(*) as events, "
        "quantile_cont(epoch(e.ingested_at) - epoch(e.occurred_at), 0.5) as p50_s, "
        "quantile_cont(epoch(e.ingested_at) - epoch(e.occurred_at), 0.95) as p95_s "
        "from events e join batches b using (batch_id) join ("
        "select loader, min(started_at) as began from batches group by loader) f using (loader) "
        "where e.occurred_at > f.began and e.occurred_at > $start and e.occurred_at <= $now "
        "group by all order by events desc",
        {"start": now - 7 * _DAY, "now": now},
    ).to_pylist()
    return rows
