"""The columns of the list of findings: titles and texts, the same on the page and in its CSV."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from trail.core import time_labels
from trail.core.clock import naive_utc
from trail.findings import reviews, severity
from trail.findings.model import Finding
from trail.triage import labels
from trail.triage.records import Triage

# States in the order of the review.
STATES = (reviews.OPEN, reviews.ACTION, reviews.EXPECTED, reviews.DONE)


@dataclass(frozen=True, slots=True)
class Line:
    """A finding with its title and what people did about it."""

    finding: Finding
    title: str
    triage: Triage


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


def day(finding: Finding, zone: ZoneInfo) -> dt.date:
    """Return the day of *finding* in *zone*, which its title names."""
    return finding.began_at_in(zone).date()


def _age(line: Line, scene: Scene) -> str:
    seconds = (naive_utc(scene.now) - line.finding.began_at).total_seconds()
    return time_labels.duration_text(max(seconds, 0))


def _assignee(line: Line, scene: Scene) -> str:
    return labels.assignee(line.triage, scene.names, scene.zone, scene.now)


COLUMNS = (
    Column("score", "Points", lambda line, _: f"{line.finding.score:,}"),
    Column("title", "Finding", lambda line, _: line.title),
    Column("state", "State", lambda line, _: line.finding.state.capitalize()),
    Column(
        "day",
        "Day",
        lambda line, scene: time_labels.day(day(line.finding, scene.zone), scene.now, scene.zone),
    ),
    Column("age", "Age", _age),
    Column("assignee", "Assigned", _assignee),
    Column("severity", "Severity", lambda line, _: severity.of(line.finding).capitalize()),
)
BY_NAME = {column.name: column for column in COLUMNS}
_LEVELS: tuple[severity.Severity, ...] = ("low", "medium", "high")
# What a column sorts by; lines whose key is an empty text come last.
KEYS: dict[str, Callable[[Line], Any]] = {
    "score": lambda line: line.finding.score,
    "title": lambda line: line.title.casefold(),
    "state": lambda line: STATES.index(line.finding.state),
    "day": lambda line: line.finding.began_at,
    "age": lambda line: -line.finding.began_at.timestamp(),
    "assignee": lambda line: line.triage.assignee.casefold(),
    "severity": lambda line: _LEVELS.index(severity.of(line.finding)),
}
