"""Incidents as JSON records, with their event ids and the changes before them."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from trail.core.clock import utc_text
from trail.incidents import incident_text, likely_causes, queries
from trail.incidents.grouping import STORM
from trail.incidents.incident import Change, Incident
from trail.storage.database import Engine
from trail.storage.filters import Filter

# Looked up in pieces, so that memory stays small for any number of incidents.
_BATCH = 2_000


def records(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    *,
    rows: int | None = None,
    skip: int = 0,
) -> Iterator[dict[str, Any]]:
    """Yield what *filter_* selects, most urgent first; times as ISO 8601 in UTC.

    A storm has no `target_id`; `targets` counts its targets.
    """
    selected = queries.incidents(engine, filter_, now, rows=rows, skip=skip)
    for start in range(0, len(selected), _BATCH):
        batch = selected[start : start + _BATCH]
        ids = queries.attempt_ids(engine, batch)
        changes = likely_causes.changes_before(engine, batch)
        for incident in batch:
            yield {
                **_incident(incident, filter_, now),
                "event_ids": ids.get(incident.incident_id, []),
                "changes_before": [_change(change) for change in changes[incident.incident_id]],
            }


def _incident(incident: Incident, filter_: Filter, now: dt.datetime) -> dict[str, Any]:
    storm, zone = incident.class_ == STORM, filter_.zone
    return {
        "incident_id": incident.incident_id,
        "action": incident.action,
        "category": incident.category,
        "target_type": incident.target_type or None,
        "target_id": None if storm else incident.target_id or None,
        "target_name": None if storm else incident.target_name or None,
        "targets": incident.targets,
        "class": incident.class_,
        "open": incident.open,
        "state": incident.state,
        "known_until": utc_text(incident.known_until),
        "first_at": utc_text(incident.first_at),
        "last_at": utc_text(incident.last_at),
        "closes_at": utc_text(incident.closes_at),
        "completed_at": utc_text(incident.completed_at) if incident.completed_at else None,
        "attempts": incident.attempts,
        "runs": incident.runs,
        "runs_exhausted": incident.exhausted,
        "beat_s": incident.cadence_s,
        "text": "; ".join(
            (
                incident_text.headline(incident, now, zone),
                incident_text.current_state(incident, now, zone),
            )
        )
        + f" ({zone.key})",
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "event_id": change.event_id,
        "occurred_at": utc_text(change.occurred_at),
        "action": change.action,
        "actor_id": change.actor_id,
        "actor": change.actor,
        "target_type": change.target_type or None,
        "target_id": change.target_id or None,
        "target_name": change.target_name or None,
        "before_s": change.before_s,
        "every_days": round(change.interval_days, 3),
        "bits": round(change.bits, 2),
        "score": round(change.score, 2),
        "upstream": change.upstream,
        "blamed": change.likely_cause,
        "text": incident_text.change_text(change),
    }
