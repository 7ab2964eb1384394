"""The words of detection: a detector, a rule, their examples, a reason, a finding.

Separate because detectors, the scoring, the queries and the page all speak these.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Facts = Mapping[str, Any]

# Times of the examples; any fixed days do.
FIRST_DAY = dt.date(2026, 8, 3)  # a Monday


@dataclass(frozen=True, slots=True)
class Act:
    """One event of an example: UTC time without a zone, who, what, on what."""

    at: dt.datetime
    actor: str
    action: str
    target: str


@dataclass(frozen=True, slots=True)
class Example:
    """Some events, and whether *actor* gets a reason of the detector on the day numbered *day*.

    Day 0 is `FIRST_DAY`. For a rule, whether it fires on that day.
    """

    title: str
    hit: bool
    events: tuple[Act, ...]
    day: int
    actor: str

    @property
    def date(self) -> dt.date:
        """Return the day that is judged."""
        return FIRST_DAY + dt.timedelta(days=self.day)


def act(
    day: int, time: str, actor: str, action: str, target: str = "thing-1", *, times: int = 1
) -> tuple[Act, ...]:
    """Return *times* events from *time* (`HH:MM`) on, a minute apart, each on a target of its own.

    With one event the target is *target* itself, else `TARGET-1`, `TARGET-2`, ….
    """
    first = dt.datetime.combine(FIRST_DAY, dt.time.fromisoformat(time)) + dt.timedelta(days=day)
    return tuple(
        Act(
            first + dt.timedelta(minutes=number),
            actor,
            action,
            target if times == 1 else f"{target}-{number + 1}",
        )
        for number in range(times)
    )


def daily(
    days: Iterable[int], actor: str, action: str, *, time: str = "10:00", target: str = "thing-1"
) -> tuple[Act, ...]:
    """Return one event on each of *days*: an actor's habit."""
    return tuple(each for day in days for each in act(day, time, actor, action, target))


def workdays(first: int, last: int) -> list[int]:
    """Return the numbers of the working days from *first* up to *last*, which is left out."""
    return [day for day in range(first, last) if day % 7 < 5]


@dataclass(frozen=True, slots=True)
class Detector:
    """One kind of unusual change that statistics find.

    `sql` reads the tables of `trail.findings.history` and gives items: `day, actor_key, bits`
    (how surprising, in bits), `risk` (0–10), `facts` (JSON for `words`), and the evidence:
    `actions` (names, or null for all), `since` and `upto` (UTC, included; null for the whole day).
    `words` makes the reason's sentence of the facts. `check` is what a reviewer does next.
    """

    name: str
    title: str
    sentence: str
    check: tuple[str, ...]
    sql: str
    words: Callable[[Facts], str]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of change that is looked at whenever it happens, usual or not.

    `query` is a filter's query string without times; `sql` instead selects rows of `changes`
    (event_id, occurred_at, actor_key, actor_id, actor_type, action, kind, risk, target_type,
    target_id, target_name; those of the window and a week before it), and may read
    `identities` (actor_id, actor_type, first_at, opened: when an actor and the trail were first
    seen). `points` is what it adds to a finding while it is on; `on` is how it is shipped.
    """

    name: str
    title: str
    sentence: str
    check: tuple[str, ...]
    points: int
    examples: tuple[Example, ...]
    query: str = ""
    sql: str = ""
    on: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a finding is one: what found it, its whole points, and words with their numbers.

    `facts` are the numbers behind the words; `actions`, `since` and `upto` choose its evidence
    among the actor's events (UTC, without zone, included).
    """

    detector: str
    points: int
    text: str
    facts: dict[str, Any] = field(default_factory=dict)
    actions: tuple[str, ...] | None = None
    since: dt.datetime | None = None
    upto: dt.datetime | None = None

    def said(self) -> dict[str, Any]:
        """Return what the command and the API say of it."""
        return {"detector": self.detector, "points": self.points, "text": self.text}


@dataclass(frozen=True, slots=True)
class Finding:
    """One actor's UTC day that is unusual: the score is the sum of the reasons' points."""

    finding_id: str
    day: dt.date
    actor_id: str
    actor_type: str
    score: int
    reasons: tuple[Reason, ...]
    state: str = "open"
    risk_version: int = 0

    def said(self, event_ids: list[str]) -> dict[str, Any]:
        """Return what the command and the API say of it."""
        return {
            "finding_id": self.finding_id,
            "day": self.day.isoformat(),
            "actor_id": self.actor_id,
            "score": self.score,
            "reasons": [reason.said() for reason in self.reasons],
            "event_ids": event_ids,
            "state": self.state,
            "risk_version": self.risk_version,
        }
