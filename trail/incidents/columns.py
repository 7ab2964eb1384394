"""The columns of the list of incidents: titles and texts, the same on the page and in its CSV."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from trail.core import time_labels
from trail.incidents import incident_text
from trail.incidents.grouping import STORM
from trail.incidents.incident import UNKNOWN, Incident
from trail.incidents.listing import Line
from trail.incidents.owners import Owner
from trail.triage import labels

NO_CAUSE = "No change found in the 24 hours before"
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Scene:
    """What texts depend on: the present (aware), the zone of times, names of users by username."""

    now: dt.datetime
    zone: ZoneInfo
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in URLs, its title, and the text of a line in it."""

    name: str
    title: str
    text: Callable[[Line, Scene], str]


def target(incident: Incident) -> str:
    """Return the name of the failing target, or the number of targets in a storm."""
    if incident.class_ == STORM:
        return f"{incident.targets:,} targets"
    return incident.target_name or incident.target_id or incident.action


def _cause(line: Line) -> str:
    return incident_text.cause_text(line.causes[0]) if line.causes else NO_CAUSE


def _evidence(line: Line, _: Scene) -> str:
    return line.causes[0].strength.capitalize() if line.causes else NOTHING


def _time(at: dt.datetime, scene: Scene) -> str:
    return time_labels.short(at, scene.zone, scene.now)


def _duration(line: Line, _: Scene) -> str:
    length = incident_text.length_text(line.incident.duration_s)
    return f"{length}, then no data" if line.incident.state == UNKNOWN else length


def _recover(line: Line, _: Scene) -> str:
    return incident_text.recover_text(line.incident) or NOTHING


def owner_text(owner: Owner | None) -> str:
    """Return who owns a target and why: "Ana Lima, who last changed it"."""
    return f"{owner.name}, who {owner.how} it" if owner else NOTHING


def _total(line: Line, _: Scene) -> str:
    return f"{line.total.attempts:,} in {line.total.incidents:,}"


def assignee(line: Line, scene: Scene) -> str:
    """Return the name of the assignee, and until when the incident is muted, if it is."""
    return labels.assignee(line.triage, scene.names, scene.zone, scene.now, NOTHING)


COLUMNS = (
    Column("state", "State", lambda line, _: incident_text.state_text(line.incident.state)),
    Column("target", "Target", lambda line, _: target(line.incident)),
    Column("action", "What fails", lambda line, _: line.incident.action),
    Column("cause", "Likely cause", lambda line, _: _cause(line)),
    Column("evidence", "Evidence", _evidence),
    Column("first_at", "Failing since", lambda line, scene: _time(line.incident.first_at, scene)),
    Column("duration", "Duration", _duration),
    Column("flaps", "Flaps", lambda line, _: f"{line.incident.flaps:,}"),
    Column("attempts", "Attempts", lambda line, _: f"{line.incident.attempts:,}"),
    Column("last_at", "Last known", lambda line, scene: _time(line.incident.last_at, scene)),
    Column("recover", "Time to recover (median)", _recover),
    Column("total", "Target total", _total),
    Column("owner", "Owner", lambda line, _: owner_text(line.owner)),
    Column("assignee", "Assigned", assignee),
    Column("class", "Pattern", lambda line, _: line.incident.class_.capitalize()),
)
BY_NAME = {column.name: column for column in COLUMNS}
