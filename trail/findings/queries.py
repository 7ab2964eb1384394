"""What the page, the command and the API ask of the findings. Reads only; `refresh` comes first.

Times are UTC without a zone; days are UTC days.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trail.filters import Filter, Window
from trail.findings import budget
from trail.findings.budget import Judged, Scored
from trail.findings.model import Finding, Reason
from trail.selection import select, span
from trail.store import Engine, Params

_COLUMNS = "finding_id, day, actor_id, actor_type, score, reasons, state, risk_version"
_LISTED = (
    "e.event_id, e.occurred_at, a.action, a.category, a.kind, a.outcome, a.risk, "
    "t.target_type, t.target_id, t.target_name"
)
_STAR = (
    "events e join actions a using (action_key) join actors p using (actor_key) "
    "join targets t using (target_key)"
)
# Findings whose events are looked up at once.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Queue:
    """Findings, the highest score first; what the budget did; how many the window has in all."""

    findings: list[Finding]
    judged: Judged
    scored: int


def queue(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    *,
    a_day: float = budget.DEFAULT_A_DAY,
    everything: bool = False,
) -> Queue:
    """Return the findings of *filter_* that *a_day* findings a day let through at *now* (aware).

    The budget is the workspace's: it is spent before the filter narrows. With *everything* all
    scored ones. A finding is chosen when its day overlaps the filter's window and one of its
    evidence events matches the rest of the filter. `scored` counts all of the window.
    """
    judged = judge(engine, now, a_day=a_day)
    where = _days_of(filter_.window(now))
    scored = engine.table(f"select count(*) as n from findings where {where}")["n"][0].as_py()
    params: Params = {}
    if not everything:
        where += " and finding_id in (select unnest($shown))"
        params = {"shown": sorted(judged.shown)}
    order = "day, score desc" if filter_.sort == "oldest" else "score desc, day desc"
    rows = engine.table(
        f"select {_COLUMNS} from findings where {where} order by {order}, actor_id", params
    ).to_pylist()
    return Queue(_narrowed(engine, filter_, now, [_finding(row) for row in rows]), judged, scored)


def judge(engine: Engine, now: dt.datetime, *, a_day: float = budget.DEFAULT_A_DAY) -> Judged:
    """Return what the budget lets through of all that is kept, day by day up to *now* (aware)."""
    rows = engine.table("select finding_id, day, actor_id, score from findings").to_pylist()
    opened = engine.table("select min(day) as day from daily_actions")["day"][0].as_py()
    return budget.judge(
        [Scored(**row) for row in rows], opened, now.astimezone(dt.UTC).date(), a_day
    )


def one(engine: Engine, finding_id: str) -> Finding | None:
    """Return the finding with that id, or None."""
    found = engine.table(
        f"select {_COLUMNS} from findings where finding_id = $id", {"id": finding_id}
    ).to_pylist()
    return _finding(found[0]) if found else None


def evidence(engine: Engine, finding: Finding, rows: int = 200) -> list[dict[str, Any]]:
    """Return the events behind *finding*, oldest first, at most *rows*: what a table shows.

    Each has event_id, occurred_at, action, category, kind, outcome, risk and the target.
    """
    where, params = _evidence_of(finding)
    return list(
        engine.table(
            f"select {_LISTED} from {_STAR} where {where} order by e.occurred_at, e.event_id "
            f"limit {int(rows)}",
            params,
        ).to_pylist()
    )


def event_ids(engine: Engine, findings: Iterable[Finding]) -> Iterator[tuple[Finding, list[str]]]:
    """Yield each of *findings* with the ids of its evidence, in order of time; all of them."""
    waiting: list[Finding] = []
    for finding in findings:
        waiting.append(finding)
        if len(waiting) == _AT_ONCE:
            yield from _with_ids(engine, waiting)
            waiting = []
    yield from _with_ids(engine, waiting)


def activity(engine: Engine, actor_id: str, now: dt.datetime, days: int = 90) -> pa.Table:
    """Return one row for each day of an actor with `day, events, targets, risk`, gaps left out.

    Up to the day of *now* (aware); without checks and what the system notices by itself. `risk` is
    the catalogue's largest of the day.
    """
    until = now.astimezone(dt.UTC).date()
    return engine.table(
        "select d.day, sum(d.n)::bigint as events, sum(d.targets)::bigint as targets, "
        "max(a.risk)::integer as risk from daily_actions d join actions a using (action_key) "
        "join actors p using (actor_key) where p.actor_id = $actor "
        f"and d.day > date '{until}' - {int(days)} and d.day <= date '{until}' "
        "group by d.day order by d.day",
        {"actor": actor_id},
    )


def expected_and_seen(engine: Engine, finding: Finding) -> list[dict[str, Any]]:
    """Return each action of the finding's day against the actor's earlier days, riskiest first.

    Each has action, risk, seen (events that day), days (earlier active days with the action), of
    (earlier active days) and expected (events on an average earlier active day).
    """
    return list(
        engine.table(
            "with mine as (select d.day, a.action, max(a.risk)::integer as risk, "
            "sum(d.n)::bigint as n from daily_actions d join actions a using (action_key) "
            "join actors p using (actor_key) where p.actor_id = $actor and d.day <= $day "
            "group by d.day, a.action), "
            "before as (select count(distinct day) as days from mine where day < $day) "
            "select t.action, t.risk, t.n as seen, count(m.day) as days, any_value(b.days) as of, "
            "round(coalesce(sum(m.n), 0) / greatest(any_value(b.days), 1), 2) as expected "
            "from mine t cross join before b left join mine m on m.action = t.action "
            "and m.day < t.day where t.day = $day group by t.action, t.risk, t.n "
            "order by t.risk desc, t.n desc, t.action",
            {"actor": finding.actor_id, "day": finding.day},
        ).to_pylist()
    )


def peers(engine: Engine, finding: Finding, rows: int = 10) -> dict[str, Any]:
    """Return who else did the finding's actions in the 28 days up to its day, most first.

    `actions` are those of its reasons; `others` has actor_id, actor_name, actor_type, days and
    events; `active` counts all other actors who did anything in these days.
    """
    actions = sorted({name for reason in finding.reasons for name in reason.actions or ()})
    params: Params = {"actor": finding.actor_id, "day": finding.day, "actions": actions}
    near = (
        "from daily_actions d join actions a using (action_key) join actors p using (actor_key) "
        "where p.actor_id <> $actor and d.day <= $day and d.day > $day - 28"
    )
    others = engine.table(
        "select p.actor_id, any_value(p.actor_name) as actor_name, "
        "any_value(p.actor_type) as actor_type, count(distinct d.day) as days, "
        f"sum(d.n)::bigint as events {near} and list_contains($actions, a.action) "
        f"group by p.actor_id order by events desc, p.actor_id limit {int(rows)}",
        params,
    ).to_pylist()
    active = engine.table(
        f"select count(distinct d.actor_key) as n {near}",
        {"actor": finding.actor_id, "day": finding.day},
    )["n"][0].as_py()
    return {"actions": actions, "others": others, "active": active}


def _days_of(window: Window) -> str:
    """Return the condition that the column `day` overlaps *window*."""
    conditions = ["true"]
    if window.start:
        conditions.append(f"day >= date '{window.start.date()}'")
    if window.end:
        last = (window.end - dt.timedelta(microseconds=1)).date()
        conditions.append(f"day <= date '{last}'")
    return " and ".join(conditions)


def _narrowed(
    engine: Engine, filter_: Filter, now: dt.datetime, findings: list[Finding]
) -> list[Finding]:
    """Return those of *findings* that have an evidence event which *filter_* chooses."""
    if not filter_.choices and not filter_.q:
        return findings
    narrowed = select(engine, filter_, now)
    hits: set[str] = set()
    for start in range(0, len(findings), _AT_ONCE):
        sql, params, within = _evidence(findings[start : start + _AT_ONCE])
        found = engine.table(
            f"with {sql}, narrowed as (select e.event_id, e.occurred_at, e.actor_key, "
            f"e.action_key from events e where {within} and {narrowed.where}) "
            "select distinct s.finding_id from specs s join actors p on p.actor_id = s.actor_id "
            f"join narrowed e on {_MATCHES} join actions a using (action_key) where {_NAMED}",
            {**params, **narrowed.params},
        )
        hits.update(found["finding_id"].to_pylist())
    return [each for each in findings if each.finding_id in hits]


_MATCHES = "e.actor_key = p.actor_key and e.occurred_at >= s.since and e.occurred_at <= s.upto"
_NAMED = (
    "a.action <> 'Permission Check' and (s.actions is null or list_contains(s.actions, a.action))"
)


def _with_ids(engine: Engine, findings: list[Finding]) -> Iterator[tuple[Finding, list[str]]]:
    if not findings:
        return
    sql, params, within = _evidence(findings)
    table = engine.table(
        f"with {sql} select distinct s.finding_id, e.occurred_at, e.event_id from specs s "
        f"join actors p on p.actor_id = s.actor_id join events e on {_MATCHES} "
        f"join actions a using (action_key) where {_NAMED} and {within} "
        "order by e.occurred_at, e.event_id",
        params,
    )
    ids: dict[str, list[str]] = defaultdict(list)
    for finding_id, event_id in zip(
        table["finding_id"].to_pylist(), table["event_id"].to_pylist(), strict=True
    ):
        ids[finding_id].append(event_id)
    for finding in findings:
        yield finding, ids[finding.finding_id]


def _evidence(findings: list[Finding]) -> tuple[str, Params, str]:
    """Return the CTE `specs` of what chooses the events, its parameters, and its outer span."""
    spans = [_span_of(each, reason) for each in findings for reason in each.reasons]
    specs = [
        {
            "finding_id": each.finding_id,
            "actor_id": each.actor_id,
            "actions": list(reason.actions) if reason.actions else None,
            "since": _span_of(each, reason)[0].isoformat(),
            "upto": _span_of(each, reason)[1].isoformat(),
        }
        for each in findings
        for reason in each.reasons
    ]
    sql = (
        'specs as (select unnest(from_json($specs::json, \'[{"finding_id": "varchar", '
        '"actor_id": "varchar", "actions": ["varchar"], "since": "timestamp", '
        '"upto": "timestamp"}]\'), recursive := true))'
    )
    start = min(since for since, _ in spans)
    end = max(upto for _, upto in spans)
    within = span(Window(start, end + dt.timedelta(microseconds=1)), "e.occurred_at")
    return sql, {"specs": json.dumps(specs)}, within


def _evidence_of(finding: Finding) -> tuple[str, Params]:
    """Return the condition that a row of the star is evidence of *finding*."""
    parts = []
    params: Params = {"actor": finding.actor_id}
    for number, reason in enumerate(finding.reasons):
        since, upto = _span_of(finding, reason)
        part = span(Window(since, upto + dt.timedelta(microseconds=1)), "e.occurred_at")
        if reason.actions:
            params[f"actions{number}"] = list(reason.actions)
            part += f" and list_contains($actions{number}, a.action)"
        parts.append(f"({part})")
    return (
        f"p.actor_id = $actor and a.action <> 'Permission Check' and ({' or '.join(parts)})",
        params,
    )


def _span_of(finding: Finding, reason: Reason) -> tuple[dt.datetime, dt.datetime]:
    start = dt.datetime.combine(finding.day, dt.time())
    end = start + dt.timedelta(days=1, microseconds=-1)
    return reason.since or start, reason.upto or end


def _finding(row: dict[str, Any]) -> Finding:
    reasons = tuple(
        Reason(
            each["detector"],
            each["points"],
            each["text"],
            each["facts"],
            tuple(each["actions"]) if each["actions"] else None,
            dt.datetime.fromisoformat(each["since"]) if each["since"] else None,
            dt.datetime.fromisoformat(each["upto"]) if each["upto"] else None,
        )
        for each in json.loads(row["reasons"])
    )
    return Finding(**{**row, "reasons": reasons})
