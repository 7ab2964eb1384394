"""Spotlights: the targets of one kind of job with their state and their last days."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from trail.incidents import attempt_strip, kinds, queries
from trail.incidents.attempt_strip import Strip, Strips
from trail.incidents.incident import UNKNOWN, Incident
from trail.incidents.kinds import KINDS, OTHER, Kind
from trail.storage.engine import Engine
from trail.storage.filters import Filter

DAYS = 14
# More targets than this of one kind are not read.
_MAX_TARGETS = 500


@dataclass(frozen=True, slots=True)
class Target:
    """A target with its days, and its most urgent incident."""

    strip: Strip
    incident: Incident


@dataclass(frozen=True, slots=True)
class Spotlight:
    """The failing targets of one kind in the last `DAYS` days, the most urgent first.

    `filter` selects their attempts; `open` counts the open incidents, `unknown` those of them that
    are last known to fail.
    """

    kind: Kind
    filter: Filter
    strips: Strips
    targets: list[Target]
    open: int
    unknown: int


def spotlights(engine: Engine, now: dt.datetime, zone: str) -> list[Spotlight]:
    """Return warehouse runs and syncs, and the other kinds that failed in the last `DAYS` days.

    *now* is aware; days are those of *zone*.
    """
    recent = Filter(start=f"{DAYS}d", tz=zone)
    failing: dict[str, set[str]] = defaultdict(set)
    for incident in queries.incidents(engine, recent, now):
        failing[kinds.kind_of(incident.action).name].add(incident.action)
    result = []
    for position, kind in enumerate((*KINDS, OTHER)):
        actions = failing[kind.name]
        if actions or position < 2:
            filter_ = recent
            for action in sorted(actions or kind.actions):
                filter_ = filter_.put("action", action, "include")
            result.append(_spotlight(engine, kind, filter_, now))
    return result


def _spotlight(engine: Engine, kind: Kind, filter_: Filter, now: dt.datetime) -> Spotlight:
    shown = attempt_strip.strips(engine, filter_, now, days=DAYS, most=_MAX_TARGETS)
    incidents = queries.incidents(engine, filter_, now)
    places = {one.incident_id: place for place, one in enumerate(incidents)}
    best: dict[tuple[str, str], int] = {}
    for key, incident_id in queries.series_of(engine, incidents):
        best[key] = min(best.get(key, len(places)), places[incident_id])
    listed = [strip for strip in shown.strips if (strip.action, strip.target) in best]
    listed.sort(key=lambda strip: best[strip.action, strip.target])
    targets = [Target(strip, incidents[best[strip.action, strip.target]]) for strip in listed]
    unknown = sum(one.state == UNKNOWN for one in incidents)
    return Spotlight(kind, filter_, shown, targets, sum(one.open for one in incidents), unknown)
