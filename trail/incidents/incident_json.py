"""Incidents as JSON records, with their event ids and the changes before them."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from trail.core.clock import naive_utc, utc_text
from trail.incidents import incident_text, queries
from trail.incidents.grouping import STORM
from trail.incidents.incident import Change, Incident
from trail.incidents.listing import Line, Listing
from trail.incidents.shown import EVERYTHING, Shown
from trail.storage.engine import Engine
from trail.storage.filters import Filter

# Looked up in pieces, so that memory stays small for any number of incidents.
_BATCH = 2_000


def records(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    shown: Shown | None = None,
    *,
    rows: int | None = None,
    skip: int = 0,
) -> Iterator[dict[str, Any]]:
    """Yield what *filter_* selects, most urgent first; times as ISO 8601 in UTC.

    *shown* restricts and orders them. A storm has no `target_id`; `targets` counts its targets.
    """
    listing = Listing(engine, filter_, shown or Shown(EVERYTHING), now)
    selected = listing.incidents(rows, skip)
    for start in range(0, len(selected), _BATCH):
        yield from _records(engine, listing, selected[start : start + _BATCH])


def record(engine: Engine, filter_: Filter, now: dt.datetime, incident: Incident) -> dict[str, Any]:
    """Return *incident* as in `records`, with times in its text in the zone of *filter_*."""
    listing = Listing(engine, filter_, Shown(EVERYTHING), now)
    return next(_records(engine, listing, [incident]))


def _records(
    engine: Engine, listing: Listing, incidents: Sequence[Incident]
) -> Iterator[dict[str, Any]]:
    ids = queries.attempt_ids(engine, incidents)
    for line in listing.lines(incidents):
        yield {
            **_incident(line.incident, listing.filter, listing.now),
            **_more(line, naive_utc(listing.now)),
            "event_ids": ids.get(line.incident.incident_id, []),
            "changes_before": [_change(change) for change in line.causes],
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


def _more(line: Line, now: dt.datetime) -> dict[str, Any]:
    """Return the fields of what people did, and of the target."""
    owner, triage = line.owner, line.triage
    muted = triage.muted_until if triage.is_muted(now) else None
    return {
        "duration_s": line.incident.duration_s,
        "flaps": line.incident.flaps,
        "recover_s": line.incident.recover_s,
        "target_incidents": line.total.incidents,
        "target_attempts": line.total.attempts,
        "owner": owner.actor_id if owner else None,
        "owner_name": owner.name if owner else None,
        "owner_reason": owner.how if owner else None,
        "assignee": triage.assignee or None,
        "muted_until": utc_text(muted) if muted else None,
        # Records are sent with alerts; what people wrote about an incident stays here.
        "comments": len(triage.comments),
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
        "strength": change.strength,
        "chance_days": round(change.chance_days, 1),
        "text": incident_text.change_text(change),
    }
