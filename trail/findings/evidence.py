"""The events behind findings: chosen by the reasons' own words, looked up when somebody asks.

Separate because scoring never lists an event; only who looks at a finding pays for its rows.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from trail.filters import Filter, Window
from trail.findings.model import Finding, Reason
from trail.selection import select, span
from trail.store import Engine, Params

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

# Names become keys among the small tables first, so that events meet a join of integers.
_WANTED = """
wanted as materialized (
 select distinct s.finding_id, p.actor_key, a.action_key, s.since, s.upto
 from specs s join actors p on p.actor_id = s.actor_id
 join actions a on s.actions is null or list_contains(s.actions, a.action)
 where a.action <> 'Permission Check')"""
_MATCHES = (
    "w.actor_key = e.actor_key and w.action_key = e.action_key "
    "and e.occurred_at >= w.since and e.occurred_at <= w.upto"
)


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


def narrowed(
    engine: Engine, filter_: Filter, now: dt.datetime, findings: list[Finding]
) -> list[Finding]:
    """Return those of *findings* that have an evidence event which *filter_* chooses."""
    if not filter_.choices and not filter_.q:
        return findings
    chosen = select(engine, filter_, now)
    hits: set[str] = set()
    for start in range(0, len(findings), _AT_ONCE):
        sql, params, within = _evidence(findings[start : start + _AT_ONCE])
        found = engine.table(
            f"with {sql}, {_WANTED}, narrowed as (select e.occurred_at, e.actor_key, e.action_key "
            f"from events e where {within} and {chosen.where}) "
            f"select distinct w.finding_id from narrowed e join wanted w on {_MATCHES}",
            {**params, **chosen.params},
        )
        hits.update(found["finding_id"].to_pylist())
    return [each for each in findings if each.finding_id in hits]


def _with_ids(engine: Engine, findings: list[Finding]) -> Iterator[tuple[Finding, list[str]]]:
    if not findings:
        return
    sql, params, within = _evidence(findings)
    table = engine.table(
        f"with {sql}, {_WANTED} select distinct w.finding_id, e.occurred_at, e.event_id "
        f"from events e join wanted w on {_MATCHES} where {within} "
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
