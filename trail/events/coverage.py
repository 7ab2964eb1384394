"""Coverage: the times at which the sources were collecting, and the gaps between them.

Without events in a span, either nothing happened or nothing was collected; coverage tells which.
A successful poll covers the span that it requested, a receiver the time in which the server runs.
Failed polls are recorded too. Times are UTC without a zone.
"""

import contextlib
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from trail.core.errors import UnavailableError
from trail.events import covering_groups, store_status
from trail.events.covering_groups import ALL, GROUP, Group
from trail.storage import cold_tier, ledger, tiers
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Choice, Window

State = Literal["watched", "gap", "unknown"]

WATCHED, FAILED = "watched", "failed"
# A silence is reported only if every earlier week had events in the same hours, with this median.
_WEEKS, _MIN_WEEKS, _MIN_EVENTS = 12, 3, 8
_MIN_SILENCE = dt.timedelta(hours=1)
_DAY = dt.timedelta(days=1)
_FAILURES_APART = dt.timedelta(minutes=1)
# Data that is not older is not late: polls take turns. Where only whole days matter, that is an
# hour, since the last hours of a day may be quiet.
LATE_AFTER, LATE_AFTER_WITH_DAYS = dt.timedelta(minutes=15), dt.timedelta(hours=1)
MIN_GAP = dt.timedelta(minutes=2)  # a restart is shorter


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time and whether a source covered it; `unknown` before the first record.

    `missing` are the names of the workspaces that were not collected in a gap, if others were.
    """

    start: dt.datetime
    end: dt.datetime
    state: State
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Silence:
    """No event since `since`; the same hours of earlier weeks had `low` to `high` events."""

    since: dt.datetime
    weeks: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """One UTC day: its events, and the median of earlier same weekdays, or None for too few."""

    day: dt.date
    events: int
    usual: float | None


def note(
    cursor: Cursor, source: str, state: str, start: dt.datetime, end: dt.datetime, detail: str = ""
) -> None:
    """Record that *source* was in *state* from *start* to *end*; merge adjacent spans."""
    given = {"source": source, "state": state, "detail": detail, "start": start, "end": end}
    touching = (
        "source = $source and state = $state and detail = $detail "
        "and to_at >= $start and from_at <= $end"
    )
    with ledger.changing(cursor, "watches", touching, given):
        rows = cursor.execute(
            f"select min(from_at), max(to_at) from watches where {touching}", given
        ).fetchall()[0]
        cursor.execute(f"delete from watches where {touching}", given)
        merged = given
        if rows[0] is not None:
            merged = given | {"start": min(start, rows[0]), "end": max(end, rows[1])}
        cursor.execute(
            "insert into watches values ($source, $state, $start, $end, $detail, now()::timestamp)",
            merged,
        )


def note_failure(
    cursor: Cursor, source: str, at: dt.datetime, reach: dt.timedelta, detail: str
) -> None:
    """Record that *source* failed at *at*; with a failure up to *reach* before, it is one span.

    A success between two failures keeps their spans apart. The same failure is recorded once a
    minute at most: a folder may be checked every second.
    """
    ends: dict[str, dt.datetime] = dict(
        cursor.execute(
            "select state, max(to_at) from watches where source = $source "
            "and (state <> 'failed' or detail = $detail) group by state",
            {"source": source, "detail": detail},
        ).fetchall()
    )
    before = ends.pop(FAILED, None)
    start = at
    if before is not None and at - reach <= before <= at:
        succeeded_since = any(before < end for end in ends.values())
        if not succeeded_since and at - before < _FAILURES_APART:
            return
        start = at if succeeded_since else before
    note(cursor, source, FAILED, start, at, detail)


def withdraw(cursor: Cursor, source: str) -> None:
    """Remove the spans that *source* is said to have covered, as it was found not to collect."""
    covered = "source = $source and state = 'watched'"
    with ledger.changing(cursor, "watches", covered, {"source": source}):
        cursor.execute(f"delete from watches where {covered}", {"source": source})


def gaps(
    engine: Engine, source: str, start: dt.datetime, end: dt.datetime
) -> list[tuple[dt.datetime, dt.datetime]]:
    """Return the parts of [start, end) that *source* has not covered, oldest first."""
    rows = engine.table(
        "select from_at, to_at from watches where source = $source and state = 'watched' "
        "and to_at > $start and from_at < $end order by from_at",
        {"source": source, "start": start, "end": end},
    ).to_pylist()
    return _gaps_between([(row["from_at"], row["to_at"]) for row in rows], start, end)


def spans(engine: Engine, start: dt.datetime, end: dt.datetime, of: Choice = ALL) -> list[Span]:
    """Return [start, end) as spans: watched by at least one source, gap, or unknown.

    With several polled workspaces, time counts as watched only if every workspace was watched:
    otherwise events are missing, whatever the others deliver. Time before the first record is
    unknown; without any record, all of it is. A last span shorter than the grace period is unknown
    too, since its poll is not late yet. A range that ends before it starts has no spans.
    With a choice of workspaces *of* a filter, only those count.
    """
    if start >= end:
        return []
    groups = covering_groups.groups(engine, end, of)
    first_watched = min((group.first for group in groups), default=None)
    if first_watched is None or first_watched >= end:
        return [Span(start, end, "unknown")]
    result: list[Span] = []
    if start < first_watched:
        result.append(Span(start, first_watched, "unknown"))
        start = first_watched
    at = start
    missing = _gaps_of_each(engine, groups, start, end)
    for gap_start, gap_end in _united([gap for gaps in missing.values() for gap in gaps]):
        if at < gap_start:
            result.append(Span(at, gap_start, "watched"))
        result.append(
            Span(gap_start, gap_end, "gap", _missing(engine, missing, gap_start, gap_end, end))
        )
        at = gap_end
    if at < end:
        result.append(Span(at, end, "watched"))
    last = result[-1]
    if last.state == "gap" and last.end - last.start < LATE_AFTER:
        result[-1] = Span(last.start, last.end, "unknown")
    return result


def _gaps_of_each(
    engine: Engine, groups: Iterable[Group], start: dt.datetime, end: dt.datetime
) -> dict[str, list[tuple[dt.datetime, dt.datetime]]]:
    """Return by group the parts of [start, end) that it has not covered, within its lifetime."""
    newest = max((group.seen for group in groups), default=end)
    missing = {}
    for group in groups:
        rows = engine.table(
            f"select from_at, to_at from watches where state = 'watched' and {GROUP} = $group "
            "and to_at > $start and from_at < $end order by from_at",
            {"group": group.name, "start": start, "end": end},
        ).to_pylist()
        # A workspace that is no longer polled has an end; the others continue.
        until = end if group.goes_on(newest) else min(end, group.seen)
        since = max(start, group.first)
        watched = [(row["from_at"], row["to_at"]) for row in rows]
        missing[group.name] = _gaps_between(watched, since, until) if since < until else []
    return missing


def _missing(
    engine: Engine,
    gaps: Mapping[str, list[tuple[dt.datetime, dt.datetime]]],
    start: dt.datetime,
    end: dt.datetime,
    until: dt.datetime,
) -> tuple[str, ...]:
    """Return the names of the groups that have *gaps* in [start, end), if it is not all of them.

    What ends at *until*, the end of all, may only be the time since the last poll.
    """
    groups = [
        group
        for group, own in gaps.items()
        if any(_is_long(max(first, start), min(last, end), until) for first, last in own)
    ]
    return tuple(covering_groups.names(engine, groups)) if len(groups) < len(gaps) else ()


def _is_long(start: dt.datetime, end: dt.datetime, until: dt.datetime) -> bool:
    return end - start >= (LATE_AFTER if end == until else MIN_GAP)


def _united(
    spans: list[tuple[dt.datetime, dt.datetime]],
) -> list[tuple[dt.datetime, dt.datetime]]:
    result: list[tuple[dt.datetime, dt.datetime]] = []
    for first, last in sorted(spans):
        if result and first <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return result


def long_gaps(spans: Iterable[Span]) -> list[Span]:
    """Return the gaps of *spans* that are long enough to show."""
    return [span for span in spans if span.state == "gap" and span.end - span.start >= MIN_GAP]


def known_until(engine: Engine, now: dt.datetime, of: Choice = ALL) -> dt.datetime | None:
    """Return the time up to which data is known at *now* (naive UTC).

    That is the end of the newest covered span, or the newest event if that is later; None without
    both. After it, the absence of events means nothing. With several workspaces, it is the earliest
    of their times; with a choice *of* a filter, only those count.
    """
    groups = covering_groups.groups(engine, now, of)
    newest = max((group.seen for group in groups), default=now)
    covered = max((group.covered for group in groups), default=None)
    known = [at for at in (covered, _newest_event(engine, now, of=of)) if at is not None]
    further = [group.covered for group in groups if group.name and group.goes_on(newest)]
    if further and (first := next((group for group in groups if not group.name), None)):
        further.append(first.covered)
    return min(max(known), now, *further) if known else None


def behind(engine: Engine, now: dt.datetime, of: Choice = ALL) -> tuple[str, ...]:
    """Return the names of the workspaces whose data is late at *now* while that of others is not.

    Of those *of* a filter; empty if there are no others.
    """
    groups = covering_groups.groups(engine, now, of)
    newest = max((group.seen for group in groups), default=now)
    going = [group for group in groups if group.goes_on(newest)]
    late = [group.name for group in going if now - group.covered >= LATE_AFTER]
    return tuple(covering_groups.names(engine, late)) if len(late) < len(going) else ()


def _newest_event(
    engine: Engine, now: dt.datetime, source: str = "", of: Choice = ALL
) -> dt.datetime | None:
    """Return when the newest event until *now* occurred that is not dated in the future."""
    if source:
        return store_status.newest_events(engine, now).get(source)
    chosen, params = covering_groups.condition(of)
    known = f"not future_dated and {chosen}"
    params["now"] = now

    # Newer ones may be archived: all of them, or all but those on legal hold.
    whole = tiers.both(engine) if isinstance(engine, Store) else engine
    sql = f"select max(hour) as last from cube where hour <= $now and {known}"
    hour: dt.datetime | None = whole.table(sql, params)["last"][0].as_py()
    if hour is None:
        return None
    if cold_tier.touches(engine, Window(hour, hour)):
        engine = whole
    newest: dt.datetime | None = None
    with contextlib.suppress(UnavailableError):  # the hour is known without the archive
        # As a value: a subquery would not keep archived days before it from being read.
        newest = engine.table(
            f"select max(occurred_at) as last from events where occurred_at >= $hour "
            f"and occurred_at <= $now and {known}",
            {**params, "hour": hour},
        )["last"][0].as_py()
    return newest or hour


def source_gaps(
    engine: Engine, start: dt.datetime, end: dt.datetime
) -> dict[str, list[tuple[dt.datetime, dt.datetime]]]:
    """Return by source the parts of [start, end) that it has not covered, oldest first.

    Only sources that covered a part of it count, or, if none did, all that ever covered any time
    before. A last part shorter than the grace period is not a gap, as in `spans`.
    """
    rows = engine.table(
        "select source, min(from_at) as first, "
        "list({'from': from_at, 'to': to_at} order by from_at) "
        "filter (to_at > $start and from_at < $end) as watched "
        "from watches where state = 'watched' group by source having first < $end order by source",
        {"start": start, "end": end},
    ).to_pylist()
    active = [row for row in rows if row["watched"]] or rows
    result = {}
    for row in active:
        watched = [(span["from"], span["to"]) for span in row["watched"] or ()]
        gaps_ = _gaps_between(watched, max(start, row["first"]), end)
        if gaps_ and gaps_[-1][1] == end and end - gaps_[-1][0] < LATE_AFTER:
            del gaps_[-1]
        if gaps_:
            result[row["source"]] = gaps_
    return result


def gap_start(engine: Engine, source: str, at: dt.datetime) -> dt.datetime:
    """Return when the gap of *source* that contains *at* began (both UTC without zone).

    That is the end of what it covered before, or *at* if it covered nothing before.
    """
    covered: dt.datetime | None = engine.table(
        "select max(to_at) as until from watches "
        "where source = $source and state = 'watched' and to_at <= $at",
        {"source": source, "at": at},
    )["until"][0].as_py()
    return covered or at


def _gaps_between(
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


def silence(
    engine: Engine,
    now: dt.datetime,
    *,
    source: str = "",
    listening_since: dt.datetime | None = None,
) -> Silence | None:
    """Return the silence up to *now* (UTC without zone), if it is unusual, else None.

    It is compared with the same hours and weekdays of up to twelve earlier weeks, and unusual if
    each of at least three weeks had events then, with a median of eight or more. With *source*,
    only the events count that it collected; hours before *listening_since* are not compared.
    """
    last = _newest_event(engine, now, source)
    if last is None or now - last < _MIN_SILENCE:
        return None
    start = max(last, listening_since or last)
    weeks = _earlier_weeks(engine, start)
    if len(weeks) < _WEEKS and isinstance(engine, Store):
        engine = tiers.both(engine)
        weeks = _earlier_weeks(engine, start)
    if len(weeks) < _MIN_WEEKS:
        return None
    collected, given = "", {}
    if source:
        collected = " and batch_id in (select batch_id from batches where loader = $source)"
        given = {"source": source}
    # One scan for each week, so that the rows between the weeks are skipped.
    query = " union all ".join(
        "select count(*) as n from events "
        f"where occurred_at > timestamp '{start - back}' "
        f"and occurred_at <= timestamp '{now - back}' and not future_dated{collected}"
        for back in weeks
    )
    try:
        counts = engine.table(query, given)["n"].to_pylist()
    except UnavailableError:  # the archive is away: nothing to compare with
        return None
    if min(counts) == 0 or sorted(counts)[len(counts) // 2] < _MIN_EVENTS:
        return None
    return Silence(last, len(counts), min(counts), max(counts))


def _earlier_weeks(engine: Engine, start: dt.datetime) -> list[dt.timedelta]:
    """Return how far the weeks lie back, up to twelve, in which there were events at *start*."""
    oldest = engine.table("select min(hour) as first from cube")["first"][0].as_py()
    back = (dt.timedelta(weeks=number) for number in range(1, _WEEKS + 1))
    return [one for one in back if oldest and start - one >= oldest]


def days(engine: Engine, now: dt.datetime, number: int) -> list[DayCount]:
    """Return the last *number* UTC days, oldest first, each with the median of its weekday."""
    rows = engine.table(
        "select date_trunc('day', hour)::date as day, sum(n)::bigint as n from cube "
        "where hour <= $now and not future_dated group by all order by day",
        {"now": now},
    ).to_pylist()
    counts = {row["day"]: row["n"] for row in rows}
    first = rows[0]["day"] if rows else now.date()
    result = []
    for back in range(number - 1, -1, -1):
        day = now.date() - back * _DAY
        before = [
            counts.get(day - dt.timedelta(weeks=week), 0)
            for week in range(1, _WEEKS + 1)
            if day - dt.timedelta(weeks=week) >= first
        ]
        usual = sorted(before)[len(before) // 2] if len(before) >= _MIN_WEEKS else None
        result.append(DayCount(day, counts.get(day, 0), usual))
    return result


def lag(engine: Engine, now: dt.datetime) -> list[dict[str, object]]:
    """Return the collection delay of the last seven days' events, by loader.

    Each row has loader, events, p50_s and p95_s: seconds from occurrence to arrival. Events that
    occurred before the loader's first batch are left out.
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
