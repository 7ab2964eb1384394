"""What a rule would have done: the same steps over what is kept, before the rule is saved."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trail.core.clock import naive_utc, utc_now
from trail.notifications import matches
from trail.notifications.rate_limit import Hit, Tally, due_at, step
from trail.notifications.rule import Rule
from trail.storage.database import Engine
from trail.storage.filters import Filter
from trail.storage.where import literal, select

# Past so many events the rehearsal goes by the hour: it stays under a second.
_BY_MINUTE = 200_000


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How often a rule would have been met and how many messages it would have made.

    `days` are (day in UTC, hits, messages), oldest first, those without hits among them.
    """

    hits: int
    messages: int
    days: tuple[tuple[dt.date, int, int], ...]


def would_have_fired(
    engine: Engine,
    rule: Rule,
    days: int = 30,
    *,
    now: dt.datetime | None = None,
    rows: Iterable[Mapping[str, Any]] = (),
) -> Rehearsal:
    """Return what *rule* would have done in the last *days* up to *now* (UTC, without zone).

    Events go by their own time, as if each had arrived at once, to the minute. For findings and
    incidents *rows* are those of the period. Snooze is left out.
    """
    rule = replace(rule, snoozed_until=None)
    end = now or utc_now()
    start = end - dt.timedelta(days=days)
    counted: dict[dt.date, list[int]] = {}
    tally, total, messages = Tally(), 0, 0
    for at, target, label, new, inside in _moments(engine, rule, start, end, rows):
        while (due := due_at(rule, tally)) and due <= at:
            message = len(step(rule, tally, [], due))
            messages += message
            counted.setdefault(due.date(), [0, 0])[1] += message
            if due_at(rule, tally) == due:
                break  # silent or over its cap: it waits
        number = matches.counted(rule, tally, target, new, inside)
        if number:
            message = len(step(rule, tally, [Hit(target, label, number)], at))
            total, messages = total + number, messages + message
            day = counted.setdefault(at.date(), [0, 0])
            day[0], day[1] = day[0] + number, day[1] + message
    if tally.pending:
        messages += 1
        counted.setdefault(end.date(), [0, 0])[1] += 1
    span = [
        start.date() + dt.timedelta(days=n) for n in range((end.date() - start.date()).days + 1)
    ]
    listed = tuple((day, *_pair(counted.get(day, [0, 0]))) for day in span)
    return Rehearsal(total, messages, listed)


_Moment = tuple[dt.datetime, str, str, int, int]


def _moments(
    engine: Engine,
    rule: Rule,
    start: dt.datetime,
    end: dt.datetime,
    rows: Iterable[Mapping[str, Any]],
) -> list[_Moment]:
    """Return (when, target, label, new, in the window) in order of time."""
    if rule.kind == "events":
        return _of_events(engine, rule, start, end)
    if rule.kind == "silence":
        return _of_silence(engine, rule, start, end)
    if rule.kind == "findings":
        findings = matches.of_findings(rule, rows)
    else:
        # An incident that is over now was open once; that it was is what the rule looks for.
        findings = matches.of_incidents(
            rule, [{**row, "open": _lasted(row, rule)} for row in rows], end
        )
    made = [(_when(hit.example, start), hit.target, hit.label, 1, 1) for hit in findings.values()]
    return sorted(item for item in made if start <= item[0] <= end)


def _of_events(engine: Engine, rule: Rule, start: dt.datetime, end: dt.datetime) -> list[_Moment]:
    chosen = select(engine, Filter.parse(rule.query), end.replace(tzinfo=dt.UTC))
    where = (
        f"e.occurred_at >= {literal(start)} and e.occurred_at < {literal(end)} and {chosen.timed()}"
    )
    total = engine.table(f"select count(*) as n from events e where {where}", chosen.params)
    window = rule.window_minutes * 60_000_000 - 1  # its far end is not inside, as when live
    unit = "minute" if total["n"][0].as_py() <= _BY_MINUTE else "hour"
    result = engine.table(
        f"select date_trunc('{unit}', occurred_at) as at_time, target, "
        "max_by(label, occurred_at) as label, count(*) as n, max(inside) as inside from ("
        f"select e.occurred_at, {matches.TARGET} as target, {matches.LABEL} as label, "
        "count(*) over (partition by t.target_type, t.target_id, t.target_name "
        f"order by e.occurred_at range between interval {window} microsecond preceding "
        "and current row) as inside "
        f"from events e join targets t using (target_key) where {where}) "
        "group by at_time, target order by at_time, target",
        chosen.params,
    )
    return [
        (row["at_time"], row["target"], row["label"], row["n"], row["inside"])
        for row in result.to_pylist()
    ]


def _of_silence(engine: Engine, rule: Rule, start: dt.datetime, end: dt.datetime) -> list[_Moment]:
    chosen = select(engine, Filter.parse(rule.query), end.replace(tzinfo=dt.UTC))
    where = f"e.occurred_at >= {literal(start)} and e.occurred_at < {literal(end)}"
    result = engine.table(
        "select at_time from (select e.occurred_at as at_time, "
        f"lead(e.occurred_at, 1, {literal(end)}) over (order by e.occurred_at) as next_at "
        f"from events e where {where} and {chosen.where}) "
        f"where next_at - at_time > interval {rule.silent_minutes} minute order by at_time",
        chosen.params,
    )
    quiet = dt.timedelta(minutes=rule.silent_minutes)
    return [(at + quiet, "silence", rule.name, 1, 1) for at in result["at_time"].to_pylist()]


def _lasted(row: Mapping[str, Any], rule: Rule) -> bool:
    if row.get("open"):
        return True
    first, last = (_read(row.get(name)) for name in ("first_at", "last_at"))
    return bool(first and last and last - first >= dt.timedelta(minutes=rule.open_minutes))


def _when(row: Mapping[str, Any], otherwise: dt.datetime) -> dt.datetime:
    for name in ("first_at", "day"):
        if row.get(name):
            return _read(row[name]) or otherwise
    return otherwise


def _read(value: object) -> dt.datetime | None:
    try:
        result = dt.datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return naive_utc(result)


def _pair(counts: list[int]) -> tuple[int, int]:
    return counts[0], counts[1]
