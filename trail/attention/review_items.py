"""Items about what happened in the workspace: open incidents, and findings to review."""

import datetime as dt
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from trail.attention.item import MOST, URGENCIES, Item, Urgency
from trail.core.clock import naive_utc
from trail.core.settings import Settings
from trail.core.text import count
from trail.findings import expiring, queries, severity
from trail.findings.model import Finding
from trail.incidents import incident_text
from trail.incidents import queries as failures
from trail.incidents.grouping import EXHAUSTED, PERSISTENT, STORM, TRANSIENT
from trail.incidents.incident import UNKNOWN, Incident
from trail.notifications.rule import HIGH_SCORE
from trail.storage.engine import Engine
from trail.storage.filters import Filter
from trail.triage.records import muted, subject

# A finding of high score is urgent for so long.
_RECENT = dt.timedelta(days=7)


def incidents(engine: Engine, now: dt.datetime) -> list[Item]:
    """Return an item for each open incident, in the order of `incidents.queries`."""
    listed = failures.incidents(engine, Filter(), now, only_open=True, fold=True)
    return [_incident(incident) for incident in listed]


def _incident(incident: Incident) -> Item:
    urgency: Urgency = "soon"
    if incident.class_ in (PERSISTENT, EXHAUSTED, STORM):
        urgency = "now"
    elif incident.class_ == TRANSIENT:
        urgency = "later"
    runs = count(incident.runs, "run")
    known = " · last known, no newer data" if incident.state == UNKNOWN else ""
    return Item(
        subject("incident", incident.incident_id),
        "incident",
        urgency,
        incident_text.title(incident),
        f"Incident, {incident.class_} · {runs} · {incident_text.class_text(incident)}{known}",
        incident.first_at,
        f"/failures?{urlencode({'incident': incident.incident_id})}",
        "assign",
        "Assign",
    )


def findings(engine: Engine, now: dt.datetime, zone: ZoneInfo, *, weekdays: bool) -> list[Item]:
    """Return an item for each finding within the budget that nobody decided, most severe first.

    Titles have times in *zone*, recent days as *weekdays*. Recent ones with a high score are
    urgent. Only the most urgent have a title: as many as a list shows, with or without muted ones.
    """
    listed = queries.queue(engine, Filter(), now).undecided
    listed.sort(key=lambda finding: URGENCIES.index(_urgency(finding, now)))
    subjects = [subject("finding", finding.finding_id) for finding in listed]
    most = MOST + 1 + len(muted(engine, subjects, naive_utc(now)))
    titles = queries.titles(engine, listed[:most], zone, now, weekdays=weekdays)
    return [_finding(finding, titles.get(finding.finding_id, ""), now, zone) for finding in listed]


def _urgency(finding: Finding, now: dt.datetime) -> Urgency:
    recent = naive_utc(now) - dt.datetime.combine(finding.day, dt.time()) < _RECENT
    urgent = severity.of(finding) == severity.HIGH or finding.score >= HIGH_SCORE
    return "now" if recent and urgent else "soon"


def _finding(finding: Finding, title: str, now: dt.datetime, zone: ZoneInfo) -> Item:
    return Item(
        subject("finding", finding.finding_id),
        "finding",
        _urgency(finding, now),
        title,
        f"Finding, {count(finding.score, 'point')} · {count(len(finding.reasons), 'reason')}",
        finding.began_at,
        f"/unusual?{urlencode({'finding': finding.finding_id})}",
        "decide",
        "Decide",
        tz=zone.key,
    )


def expiring_findings(engine: Engine, settings: Settings, now: dt.datetime) -> list[Item]:
    """Return one item for all open findings whose events will soon be past retention, or none."""
    soon = expiring.expiring(engine, settings, now)
    if soon.days is None:
        return []
    first, last = soon.days
    window = {"from": first.isoformat(), "to": (last + dt.timedelta(days=1)).isoformat()}
    return [
        Item(
            subject("retention"),
            "retention",
            "soon",
            soon.title(),
            f"Retention, {soon.first_text()} · Decide on them or place a legal hold",
            None,
            f"/unusual?{urlencode(window)}",
            "hold",
            "Place hold",
        )
    ]
