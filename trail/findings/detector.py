"""The two types of detector, and the examples that every detector carries as its tests."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from trail.findings import deeds, moments

# The figures of a reason; `seen` lists what was done per action, see `observed`.
Facts = Mapping[str, Any]

# Days of an actor's history before a pause or an hour can be unusual: two weeks with weekends.
RHYTHM_DAYS = 14

FIRST_DAY = dt.date(2026, 8, 3)  # day 0 of the examples; a Monday


@dataclass(frozen=True, slots=True)
class ExampleEvent:
    """One event of an example; the time is UTC without a zone."""

    at: dt.datetime
    actor: str
    action: str
    target: str


@dataclass(frozen=True, slots=True)
class Example:
    """Some events, and whether the detector gives *actor* a reason on *day* (0 is `FIRST_DAY`)."""

    title: str
    matches: bool
    events: tuple[ExampleEvent, ...]
    day: int
    actor: str

    @property
    def date(self) -> dt.date:
        """Return the date of `day`."""
        return FIRST_DAY + dt.timedelta(days=self.day)


def match(title: str, *parts: Iterable[ExampleEvent], day: int = -1, actor: str = "") -> Example:
    """Return an example that the detector must report.

    It is evaluated for the day and the actor of the last event unless *day* and *actor* are given.
    Without *parts*, the example is one event whose action is *title*.
    """
    sequence = tuple(event for part in parts for event in part) or events(
        1, "10:00", "users/ana", title
    )
    last = sequence[-1]
    number = (last.at.date() - FIRST_DAY).days if day < 0 else day
    return Example(title, True, sequence, number, actor or last.actor)


def no_match(title: str, *parts: Iterable[ExampleEvent], day: int = -1, actor: str = "") -> Example:
    """Return an example that the detector must not report; parameters as for `match`."""
    return replace(match(title, *parts, day=day, actor=actor), matches=False)


def events(
    day: int, time: str, actor: str, action: str, target: str = "target-1", *, times: int = 1
) -> tuple[ExampleEvent, ...]:
    """Return *times* events, one minute apart from *time* (`HH:MM`), each with its own target.

    A single event has *target* itself; several have `TARGET-1`, `TARGET-2`, and so on.
    """
    first = dt.datetime.combine(FIRST_DAY, dt.time.fromisoformat(time)) + dt.timedelta(days=day)
    return tuple(
        ExampleEvent(
            first + dt.timedelta(minutes=number),
            actor,
            action,
            target if times == 1 else f"{target}-{number + 1}",
        )
        for number in range(times)
    )


def daily(
    days: Iterable[int], actor: str, action: str, *, time: str = "10:00", target: str = "target-1"
) -> tuple[ExampleEvent, ...]:
    """Return one event on each of *days*."""
    return tuple(event for day in days for event in events(day, time, actor, action, target))


def workdays(first: int, last: int) -> list[int]:
    """Return the working days from *first* up to, but not including, *last*."""
    return [day for day in range(first, last) if day % 7 < 5]


def what_and_when(facts: Facts) -> str:
    """Return what was done and on which day, for a headline; the day as a mark."""
    return deeds.on_days(facts["seen"])


@dataclass(frozen=True, slots=True)
class Detector:
    """A statistical detector: scores how unusual an actor's day is.

    `sql` reads the tables of `trail.findings.history` and returns `day`, `actor_key`, `bits`
    (surprise, in bits), `risk` (0–10), `facts` (JSON), and the evidence: `actions` (names, or null
    for all), `since` and `upto` (UTC, inclusive; null for the whole day). `explain` turns the facts
    into the sentence of the reason, `headline` into what a title says after the name of the actor;
    both write times as marks (see `moments`). `runbook` lists what a reviewer checks.
    """

    name: str
    title: str
    description: str
    runbook: tuple[str, ...]
    sql: str
    explain: Callable[[Facts], str]
    examples: tuple[Example, ...]
    headline: Callable[[Facts], str] = what_and_when


@dataclass(frozen=True, slots=True)
class Rule:
    """A detector that reports a change whenever it happens, usual or not.

    `actions` are the actions that match, narrowed by `condition`, a filter in the form of a query
    string without times. `sql` instead selects rows of `changes` (event_id, occurred_at, actor_key,
    actor_id, actor_type, action, kind, risk, target_type, target_id, target_name), which has the
    evaluated window and the week before it. It may read `identities` (actor_id, actor_type,
    first_at, opened): when an actor and the audit trail were first seen. `points` are added to a
    finding while the rule is on; `enabled` is its initial state. `earlier` names the column of
    `sql` with the time of what came before, `circumstance` says what that was. If it was an event,
    `preceding` names the columns with its actor_id and action; it is evidence, too. Findings of a
    `severe` rule are always shown, before all others.
    """

    name: str
    title: str
    description: str
    runbook: tuple[str, ...]
    points: int
    examples: tuple[Example, ...]
    actions: tuple[str, ...] = ()
    condition: str = ""
    sql: str = ""
    enabled: bool = False
    earlier: str = ""
    circumstance: str = ""
    preceding: tuple[str, str] | None = None
    severe: bool = False

    def headline(self, facts: Facts) -> str:
        """Return what a title says after the name of the actor, with times as marks."""
        words = what_and_when(facts)
        if sum(seen["n"] for seen in facts["seen"]) != facts["n"]:
            # Between the first and the last match the actor did more of the same.
            actions = deeds.count_of(facts["n"], "action")
            words = f"took {actions} as in “{self.title}” {deeds.days(facts['seen'])}"
        return f"{words}, {self._circumstance(facts)}" if self.circumstance else words

    def explain(self, facts: Facts) -> str:
        """Return the sentence of the reason, with times as marks."""
        events = deeds.count_of(facts["n"], "action")
        if self.circumstance:
            return f"{events} {self._circumstance(facts)}; this rule always reports it."
        return f"{events} that the rule “{self.title}” always reports."

    def _circumstance(self, facts: Facts) -> str:
        at = facts.get("earlier")
        return f"{self.circumstance} {moments.at(at)}" if at else self.circumstance

    @property
    def query(self) -> str:
        """Return `actions` and `condition` as the query string of a filter."""
        pairs = [urlencode([("action", action) for action in self.actions]), self.condition]
        return "&".join(filter(None, pairs))
