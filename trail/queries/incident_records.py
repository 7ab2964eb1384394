"""Incidents as the command and the route say them: with their events and what changed before."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from trail.filters import Filter
from trail.incidents import words
from trail.incidents.grouping import STORM
from trail.incidents.model import Change, Incident
from trail.queries import causes, incidents
from trail.store import Engine

# So many at a time are looked up, so that memory stays small however many there are.
_AT_ONCE = 2_000


def records(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    *,
    rows: int | None = None,
    skip: int = 0,
) -> Iterator[dict[str, Any]]:
    """Yield what *filter_* chooses, most urgent first; times as ISO 8601 in UTC.

    A storm has no `target_id`; `targets` counts its targets.
    """
    found = incidents.incidents(engine, filter_, now, rows=rows, skip=skip)
    for start in range(0, len(found), _AT_ONCE):
        part = found[start : start + _AT_ONCE]
        ids = incidents.attempt_ids(engine, part)
        changes = causes.changes_before(engine, part)
        for each in part:
            yield {
                **_incident(each, filter_, now),
                "event_ids": ids.get(each.incident_id, []),
                "changes_before": [_change(one) for one in changes[each.incident_id]],
            }


def _incident(each: Incident, filter_: Filter, now: dt.datetime) -> dict[str, Any]:
    storm = each.class_ == STORM
    return {
        "incident_id": each.incident_id,
        "action": each.action,
        "category": each.category,
        "target_type": each.target_type or None,
        "target_id": None if storm else each.target_id or None,
        "target_name": None if storm else each.target_name or None,
        "targets": each.targets,
        "class": each.class_,
        "open": each.open,
        "first_at": _said(each.first_at),
        "last_at": _said(each.last_at),
        "closes_at": _said(each.closes_at),
        "completed_at": _said(each.completed_at) if each.completed_at else None,
        "attempts": each.attempts,
        "runs": each.runs,
        "runs_exhausted": each.exhausted,
        "beat_s": each.beat_s,
        "text": (
            f"{words.headline(each, now, filter_.zone)}; {words.silence(each, now, filter_.zone)}"
        ),
    }


def _change(each: Change) -> dict[str, Any]:
    return {
        "event_id": each.event_id,
        "occurred_at": _said(each.occurred_at),
        "action": each.action,
        "actor_id": each.actor_id,
        "target_type": each.target_type or None,
        "target_id": each.target_id or None,
        "target_name": each.target_name or None,
        "before_s": each.before_s,
        "every_days": round(each.every_days, 3),
        "bits": round(each.bits, 2),
        "score": round(each.score, 2),
        "upstream": each.upstream,
        "blamed": each.blamed,
        "text": words.before(each),
    }


def _said(moment: dt.datetime) -> str:
    return f"{moment.isoformat()}Z"
