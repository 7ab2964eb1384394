"""Find what followed a change within 24 hours: failures that it may have caused, other changes.

The evidence for a failure is that of "what changed before", turned round.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trail.core.catalogue import FAILED_KINDS, ROUTINE_KINDS
from trail.core.clock import shifted
from trail.events.names import STAR, join_names
from trail.incidents import cause_score, queries
from trail.incidents.incident import Change, Incident
from trail.incidents.likely_causes import evidence, target_of
from trail.incidents.materialize import TARGET
from trail.storage.engine import Engine
from trail.storage.filters import Window
from trail.storage.where import span

_SHOWN = 3
# More incidents than this in 24 hours have one shared cause, which a storm is about.
MAX_INCIDENTS = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """An incident that began after the change, and the evidence that the change caused it."""

    incident: Incident
    evidence: Change


@dataclass(frozen=True, slots=True)
class Followed:
    """What followed a change within 24 hours.

    `failures` have the strongest evidence first; `other_failures` counts the incidents without any,
    of at most `MAX_INCIDENTS` that are examined. `changes` are rows with the `LISTED` columns and
    `same_target`, those of the same target first and then the riskiest; `all_changes` counts all.
    """

    failures: list[Failure]
    other_failures: int
    changes: list[dict[str, Any]]
    all_changes: int


def is_change(event: Mapping[str, Any]) -> bool:
    """Return whether *event* is a trusted change, which a failure can follow."""
    flagged = event["unverified"] or event["future_dated"]
    return not flagged and event["kind"] not in (*ROUTINE_KINDS, *FAILED_KINDS)


def window_after(event: Mapping[str, Any]) -> Window:
    """Return the 24 hours after *event*."""
    first = shifted(event["occurred_at"], dt.timedelta(microseconds=1))
    return Window(first, shifted(first, cause_score.LOOK_BACK))


def followed(engine: Engine, event: Mapping[str, Any], now: dt.datetime) -> Followed:
    """Return what followed the change *event*, as known at *now* (aware)."""
    window = window_after(event)
    incidents = queries.beginning_in(engine, window, now, target_of(event), MAX_INCIDENTS)
    found = evidence(engine, incidents, event)
    failures = [
        Failure(incident, change)
        for incident in incidents
        for change in found[incident.incident_id]
    ]
    failures.sort(key=lambda failure: (failure.evidence.upstream, -failure.evidence.bits))
    changes, total = _changes_in(engine, window, event)
    others = len(incidents) - len(failures)
    return Followed(failures[:_SHOWN], others, changes, total)


def _changes_in(
    engine: Engine, window: Window, event: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], int]:
    star = (
        f"select {STAR}, t.target_key in (select target_key from targets t "
        f"where $target <> '' and {TARGET} = $target) as same_target, "
        "count(*) over () as total, a.risk as sort_risk "
        "from trusted_events e join actions a using (action_key) join targets t using (target_key) "
        f"where {span(window, 'e.occurred_at')} and not list_contains($kinds, a.kind)"
    )
    ranked = (
        f"select * from ({star}) order by same_target desc, sort_risk desc, occurred_at, event_id "
        f"limit {_SHOWN}"
    )
    rows = engine.table(
        f"{join_names(ranked, ', same_target, total')} order by occurred_at, event_id",
        {"target": target_of(event), "kinds": [*sorted(ROUTINE_KINDS), *FAILED_KINDS]},
    ).to_pylist()
    total = rows[0]["total"] if rows else 0
    return rows, total
