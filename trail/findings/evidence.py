"""The events behind findings, looked up on demand from the actions and times of the reasons."""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from trail.events import actor_names
from trail.findings.model import Finding, Reason
from trail.storage.engine import Engine, Params
from trail.storage.filters import Filter, Window
from trail.storage.where import select, span

_COLUMNS = (
    "e.event_id, e.occurred_at, a.action, a.category, a.kind, a.outcome, a.risk, "
    "t.target_type, t.target_id, t.target_name, p.actor_id, p.actor_type, "
    f"{actor_names.DISPLAY_P} as actor"
)
_BATCH = 500  # findings per query

# Names are resolved to keys in the small tables first, so that events are joined on integers.
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
    """Return the events behind *finding*, oldest first, at most *rows*.

    Each has event_id, occurred_at, action, category, kind, outcome, risk, the target and the actor,
    who differs from that of the finding only for what came before the event of a rule.
    """
    sql, params, within = _specs([finding])
    return list(
        engine.table(
            f"with {sql}, {_WANTED} select distinct {_COLUMNS} from trusted_events e "
            f"join wanted w on {_MATCHES} join actions a on a.action_key = e.action_key "
            f"join targets t using (target_key) join actors p on p.actor_key = e.actor_key "
            f"where {within} "
            f"order by e.occurred_at, e.event_id limit {int(rows)}",
            params,
        ).to_pylist()
    )


def event_ids(engine: Engine, findings: Iterable[Finding]) -> Iterator[tuple[Finding, list[str]]]:
    """Yield each finding with the ids of all its events, in time order."""
    remaining = iter(findings)
    while batch := list(islice(remaining, _BATCH)):
        yield from _with_ids(engine, batch)


def with_matching_evidence(
    engine: Engine, filter_: Filter, now: dt.datetime, findings: list[Finding]
) -> list[Finding]:
    """Return the *findings* with at least one event that matches *filter_*."""
    if not filter_.choices and not filter_.q:
        return findings
    selection = select(engine, filter_, now)
    matching: set[str] = set()
    for start in range(0, len(findings), _BATCH):
        sql, params, within = _specs(findings[start : start + _BATCH])
        table = engine.table(
            f"with {sql}, {_WANTED}, narrowed as (select e.occurred_at, e.actor_key, e.action_key "
            f"from trusted_events e where {within} and {selection.where}) "
            f"select distinct w.finding_id from narrowed e join wanted w on {_MATCHES}",
            {**params, **selection.params},
        )
        matching.update(table["finding_id"].to_pylist())
    return [finding for finding in findings if finding.finding_id in matching]


def _with_ids(engine: Engine, findings: list[Finding]) -> Iterator[tuple[Finding, list[str]]]:
    sql, params, within = _specs(findings)
    table = engine.table(
        f"with {sql}, {_WANTED} select distinct w.finding_id, e.occurred_at, e.event_id "
        f"from trusted_events e join wanted w on {_MATCHES} where {within} "
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


def _specs(findings: list[Finding]) -> tuple[str, Params, str]:
    """Return the CTE `specs` that selects the events, its parameters, and the overall time span."""
    selected = [
        (finding.finding_id, *events)
        for finding in findings
        for reason in finding.reasons
        for events in _events_of(finding, reason)
    ]
    specs = [
        {
            "finding_id": finding_id,
            "actor_id": actor_id,
            "actions": actions,
            "since": since.isoformat(),
            "upto": upto.isoformat(),
        }
        for finding_id, actor_id, actions, since, upto in selected
    ]
    sql = (
        'specs as (select unnest(from_json($specs::json, \'[{"finding_id": "varchar", '
        '"actor_id": "varchar", "actions": ["varchar"], "since": "timestamp", '
        '"upto": "timestamp"}]\'), recursive := true))'
    )
    start, end = min(since for *_, since, _ in selected), max(upto for *_, upto in selected)
    within = span(Window(start, end + dt.timedelta(microseconds=1)), "e.occurred_at")
    return sql, {"specs": json.dumps(specs)}, within


def _events_of(
    finding: Finding, reason: Reason
) -> Iterator[tuple[str, list[str] | None, dt.datetime, dt.datetime]]:
    """Yield the actor, the actions (None for all), the first and the last time of the events."""
    start = dt.datetime.combine(finding.day, dt.time())
    end = start + dt.timedelta(days=1, microseconds=-1)
    actions = list(reason.actions) if reason.actions else None
    yield finding.actor_id, actions, reason.since or start, reason.upto or end
    # What came before a rule's event, perhaps by somebody else.
    for event in reason.facts.get("preceding", ()):
        at = dt.datetime.fromisoformat(event["occurred_at"])
        yield event["actor_id"], [event["action"]], at, at
