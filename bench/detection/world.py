"""Resources and events of a simulated workspace.

Ordinary days and planted scenarios share it, so that no event has a target that does not exist.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench.detection import DAYS
from bench.detection.people import Dice, Person

START = dt.datetime(2026, 8, 3, tzinfo=dt.UTC)  # a Monday
END = START + dt.timedelta(days=DAYS)
SYSTEM = "__system__"

_TYPES = (
    ("Destination Filter", "destination_filter"), ("Destination Function", "function"),
    ("Source Function", "function"), ("Destination", "audience"), ("Source Regulation",
    "regulation"), ("Source", "source"), ("Integrations", "integration"),
    ("Warehouse Credential", "warehouse_credential"), ("Warehouse", "warehouse"),
    ("Tracking Plan", "tracking_plan"), ("Audience", "audience"), ("Activation", "activation"),
    ("Computed Trait", "computed_trait"), ("Model", "model"), ("Space", "space"),
    ("User Group", "user_group"), ("Subjects", "user_group"), ("User", "user"),
    ("Non-Segment User", "user"),
    ("Schema", "source"), ("Transformation", "transformation"),
    ("Storage", "storage_destination"), ("Profiles Sync", "warehouse"),
    ("Workspace Regulation", "regulation"), ("Regulation", "regulation"),
    ("Violations", "tracking_plan"), ("Support", "workspace"), ("Label", "label"),
    ("Permission", "workspace"),
)  # fmt: skip
_AT_FIRST = {
    "source": 160, "integration": 240, "function": 60, "destination_filter": 50, "warehouse": 24,
    "tracking_plan": 40, "audience": 300, "computed_trait": 120, "model": 80, "space": 4,
    "user_group": 12, "user": 120, "regulation": 40, "transformation": 30,
    "storage_destination": 8, "warehouse_credential": 20, "activation": 30, "workspace": 1,
    "label": 10,
}  # fmt: skip


def type_of(action: str) -> str:
    """Return the resource type of *action*."""
    return next(kind for prefix, kind in _TYPES if action.startswith(prefix))


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `at` is UTC, `label` names the scenario that it belongs to."""

    at: dt.datetime
    actor: str
    action: str
    kind: str
    target: str
    label: str = ""


@dataclass(slots=True)
class Planted:
    """One planted scenario: its type, its list, and the time from which it is detectable."""

    name: str
    type: str
    list: str  # incident, benign or further
    seen_from: dt.datetime
    ids: set[str] = field(default_factory=set)


@dataclass
class World:
    """People, existing resources by type, events, and planted scenarios."""

    dice: Dice
    people: list[Person]
    events: list[Event] = field(default_factory=list)
    planted: dict[str, Planted] = field(default_factory=dict)
    living: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    born: dict[str, dt.datetime] = field(default_factory=dict)
    gone: dict[str, dt.datetime] = field(default_factory=dict)
    silent: dict[str, dt.datetime] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)  # actors who are part of a scenario
    token_own: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    _made: int = 0

    def settle(self) -> None:
        """Create the initial resources and assign some to each person."""
        for kind, count in _AT_FIRST.items():
            for _ in range(count):
                self.make(kind, START)
        for who in self.people:
            for kind in sorted({type_of(action) for action in who.actions}):
                count = min(1 + int(self.dice.poisson(5)), len(self.living[kind]))
                picked = self.dice.choice(self.living[kind], count, replace=False)
                who.own[kind] = [str(name) for name in picked]

    def make(self, kind: str, at: dt.datetime) -> str:
        """Create a resource and return its id."""
        self._made += 1
        name = f"{kind}-{self._made:05}"
        self.living[kind].append(name)
        self.born[name] = at
        return name

    def remove(self, kind: str, name: str, at: dt.datetime) -> None:
        """Delete a resource at *at*."""
        self.gone[name] = min(at, self.gone.get(name, at))
        if name in self.living[kind]:
            self.living[kind].remove(name)

    def one(self, items: Sequence[str]) -> str:
        """Return one of *items*."""
        return items[int(self.dice.integers(0, len(items)))]

    def any_living(self, kind: str) -> str | None:
        """Return an existing resource of *kind*, or None if there is none."""
        living = self.living[kind]
        return self.one(living) if living else None

    def there(self, kind: str, at: dt.datetime, count: int, among: Iterable[str] = ()) -> list[str]:
        """Return up to *count* distinct resources of *kind* that exist at *at*.

        Chosen from *among* if not empty.
        """
        pool = [
            name
            for name in (among or self.living[kind])
            if self.born[name] <= at and not self.gone.get(name, END) < at
        ]
        if not pool:
            return []
        places = self.dice.choice(len(pool), min(count, len(pool)), replace=False)
        return [pool[int(place)] for place in places]

    def add(self, at: dt.datetime, actor: str, action: str, target: str, label: str = "") -> None:
        """Add one event."""
        self.events.append(Event(at, actor, action, type_of(action), target, label))

    def silence(self, actor: str, at: dt.datetime) -> None:
        """Drop the ordinary events of *actor* after *at*."""
        self.silent[actor] = at

    def last_of(self, actor: str, at: dt.datetime, label: str) -> None:
        """Set the *label* of the last event of *actor* up to *at*."""
        index = max(
            (number for number, event in enumerate(self.events)
             if event.actor == actor and event.at <= at and not event.label),
            key=lambda number: self.events[number].at,
        )  # fmt: skip
        self.events[index] = replace(self.events[index], label=label)

    def shift(self, actor: str, at: dt.datetime, days: int, factor: int, label: str) -> None:
        """Repeat the events of *actor* *factor* times for *days* days from *at*."""
        end = at + dt.timedelta(days=days)
        usual = [e for e in self.events if e.actor == actor and at <= e.at < end and not e.label]
        for event in usual:
            for again in range(1, factor):
                later = event.at + dt.timedelta(seconds=3 * again)
                target = self.any_living(event.kind) or event.target
                self.events.append(replace(event, at=later, target=target, label=label))

    def written(self, path: Path) -> int:
        """Write the events in the format of the Public API, and record the ids of planted events.

        Ordinary events on a resource after its deletion, or of an actor after `silence`, are
        omitted.
        """
        kept = [event for event in self.events if START <= event.at < END and self._possible(event)]
        kept.sort(key=lambda event: event.at)
        with path.open("wb") as file:
            for number, event in enumerate(kept):
                event_id = f"evt_{number:07}"
                if event.label:
                    self.planted[event.label].ids.add(event_id)
                record = {
                    "id": event_id,
                    "timestamp": event.at.strftime("%Y-%m-%dT%H:%M:%S.")
                    + f"{event.at.microsecond // 1000:03}Z",
                    "type": event.action,
                    "actor": event.actor,
                    "resourceId": event.target,
                    "resourceType": event.kind.upper(),
                    "resourceName": event.target.replace("-", " "),
                }
                file.write(json.dumps(record).encode() + b"\n")
        return len(kept)

    def _possible(self, event: Event) -> bool:
        if event.label:
            return True
        if event.at > self.silent.get(event.actor, END):
            return False
        return not self.gone.get(event.target, END) < event.at


def pick(dice: Dice, items: list[str], shares: np.ndarray, count: int) -> list[str]:
    """Return *count* of *items* drawn by their *shares*."""
    return [items[int(index)] for index in dice.choice(len(items), count, p=shares)]
