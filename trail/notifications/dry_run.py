"""Back-test a rule: run the rate limit over stored events before the rule is saved."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trail.core.clock import naive_utc, utc_now
from trail.notifications import matches
from trail.notifications.rate_limit import Match, RateLimitState, due_at, step
from trail.notifications.rule import STATE_KINDS, Rule
from trail.storage.database import Engine
from trail.storage.filters import Filter
from trail.storage.where import literal, select

# Above this number of events, group by hour instead of minute, which takes under a second.
_MAX_EVENTS_BY_MINUTE = 200_000


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """The number of matches and messages of a back-test.

    `days` contains (UTC day, matches, messages) for every day, oldest first.
    """

    matches: int
    messages: int
    days: tuple[tuple[dt.date, int, int], ...]


def dry_run(
    engine: Engine,
    rule: Rule,
    days: int = 30,
    *,
    now: dt.datetime | None = None,
    rows: Iterable[Mapping[str, Any]] = (),
) -> DryRunResult:
    """Return the matches and messages of *rule* in the last *days* before *now* (naive UTC).

    Events count at their event time, to the minute, as if they arrived without delay. For
    findings and incidents, *rows* are those of the period. Snoozing is ignored.
    """
    rule = replace(rule, snoozed_until=None)
    end = now or utc_now()
    start = end - dt.timedelta(days=days)
    counts_by_day: dict[dt.date, list[int]] = {}
    state, total, messages = RateLimitState(), 0, 0
    for at, target, label, new, in_window in _timeline(engine, rule, start, end, rows):
        while (due := due_at(rule, state)) and due <= at:
            sent = len(step(rule, state, [], due))
            messages += sent
            counts_by_day.setdefault(due.date(), [0, 0])[1] += sent
            if due_at(rule, state) == due:
                break  # silent or over the daily cap: the roll-up waits
        count = matches.count_matches(rule, state, target, new, in_window)
        if count:
            sent = len(step(rule, state, [Match(target, label, count)], at))
            total, messages = total + count, messages + sent
            day = counts_by_day.setdefault(at.date(), [0, 0])
            day[0], day[1] = day[0] + count, day[1] + sent
    if state.pending:
        messages += 1
        counts_by_day.setdefault(end.date(), [0, 0])[1] += 1
    span = [
        start.date() + dt.timedelta(days=n) for n in range((end.date() - start.date()).days + 1)
    ]
    per_day = tuple((day, *_to_pair(counts_by_day.get(day, [0, 0]))) for day in span)
    return DryRunResult(total, messages, per_day)


# Time, target, label, number of new events, number of events in the rule's window.
_TimelineEntry = tuple[dt.datetime, str, str, int, int]


def _timeline(
    engine: Engine,
    rule: Rule,
    start: dt.datetime,
    end: dt.datetime,
    rows: Iterable[Mapping[str, Any]],
) -> list[_TimelineEntry]:
    """Return the entries in order of time."""
    if rule.kind == "events":
        return _event_timeline(engine, rule, start, end)
    if rule.kind in STATE_KINDS:
        return []  # past states are not kept
    if rule.kind == "silence":
        return _silence_timeline(engine, rule, start, end)
    if rule.kind == "findings":
        matched = matches.match_findings(rule, rows)
    else:
        # A closed incident matches if it was open long enough at the time.
        matched = matches.match_incidents(
            rule, [{**row, "open": _was_open_long_enough(row, rule)} for row in rows], end
        )
    timeline = [
        (_started_at(match.example, start), match.target, match.label, 1, 1)
        for match in matched.values()
    ]
    return sorted(entry for entry in timeline if start <= entry[0] <= end)


def _event_timeline(
    engine: Engine, rule: Rule, start: dt.datetime, end: dt.datetime
) -> list[_TimelineEntry]:
    selection = select(engine, Filter.parse(rule.query), end.replace(tzinfo=dt.UTC))
    where = (
        f"e.occurred_at >= {literal(start)} and e.occurred_at < {literal(end)} "
        f"and {selection.timed()}"
    )
    total = engine.table(
        f"select count(*) as n from trusted_events e where {where}", selection.params
    )
    window = rule.window_minutes * 60_000_000 - 1  # excludes the far end, as in `matches`
    unit = "minute" if total["n"][0].as_py() <= _MAX_EVENTS_BY_MINUTE else "hour"
    result = engine.table(
        f"select date_trunc('{unit}', occurred_at) as at_time, target, "
        "max_by(label, occurred_at) as label, count(*) as n, max(inside) as inside from ("
        f"select e.occurred_at, {matches.TARGET} as target, {matches.LABEL} as label, "
        "count(*) over (partition by t.target_type, t.target_id, t.target_name "
        f"order by e.occurred_at range between interval {window} microsecond preceding "
        "and current row) as inside "
        f"from trusted_events e join targets t using (target_key) where {where}) "
        "group by at_time, target order by at_time, target",
        selection.params,
    )
    return [
        (row["at_time"], row["target"], row["label"], row["n"], row["inside"])
        for row in result.to_pylist()
    ]


def _silence_timeline(
    engine: Engine, rule: Rule, start: dt.datetime, end: dt.datetime
) -> list[_TimelineEntry]:
    selection = select(engine, Filter.parse(rule.query), end.replace(tzinfo=dt.UTC))
    where = f"e.occurred_at >= {literal(start)} and e.occurred_at < {literal(end)}"
    result = engine.table(
        "select at_time from (select e.occurred_at as at_time, "
        f"lead(e.occurred_at, 1, {literal(end)}) over (order by e.occurred_at) as next_at "
        f"from trusted_events e where {where} and {selection.where}) "
        f"where next_at - at_time > interval {rule.silent_minutes} minute order by at_time",
        selection.params,
    )
    silence = dt.timedelta(minutes=rule.silent_minutes)
    return [(at + silence, "silence", rule.name, 1, 1) for at in result["at_time"].to_pylist()]


def _was_open_long_enough(row: Mapping[str, Any], rule: Rule) -> bool:
    if row.get("open"):
        return True
    first, last = (_parse_timestamp(row.get(name)) for name in ("first_at", "last_at"))
    return bool(first and last and last - first >= dt.timedelta(minutes=rule.open_minutes))


def _started_at(row: Mapping[str, Any], default: dt.datetime) -> dt.datetime:
    for name in ("first_at", "day"):
        if row.get(name):
            return _parse_timestamp(row[name]) or default
    return default


def _parse_timestamp(value: object) -> dt.datetime | None:
    try:
        result = dt.datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return naive_utc(result)


def _to_pair(counts: list[int]) -> tuple[int, int]:
    return counts[0], counts[1]
