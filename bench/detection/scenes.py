"""Building blocks of planted scenarios: actors, times and targets."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from bench.detection import DAYS
from bench.detection.people import Person
from bench.detection.world import START, World

_DAY = dt.timedelta(days=1)


@dataclass
class Scene:
    """One scenario on *day*; all its events carry its label."""

    world: World
    label: str
    day: int

    def who(
        self, *roles: str, until: int = 1, fits: Callable[[Person], bool] | None = None
    ) -> Person:
        """Return an established user of *roles* who is in no other scenario.

        The user is present for *until* days from the day of the scenario.
        """
        dice = self.world.dice
        days = range(self.day, min(self.day + until, DAYS))
        fitting = [
            person
            for person in self.world.people
            if person.role in roles
            and person.actor not in self.world.taken
            and person.start <= max(0, self.day - 10)
            and person.active > 0.15
            and all(person.there(day) for day in days)
            and (fits is None or fits(person))
        ]
        if not fitting:
            raise LookupError(f"no user with a role of {roles} is available for {self.label}")
        who = fitting[int(dice.integers(len(fitting)))]
        self.world.taken.add(who.actor)
        return who

    def at(self, zone: float, hour: float, later: int = 0) -> dt.datetime:
        """Return the UTC time of *hour* o'clock in a *zone* on the scene's day, or days later."""
        moment = START + (self.day + later) * _DAY + dt.timedelta(hours=hour - zone)
        return moment + dt.timedelta(seconds=float(self.world.dice.uniform(0, 1200)))

    def office(self, who: Person, later: int = 0) -> dt.datetime:
        """Return a time within *who*'s usual working hours."""
        return self.at(who.zone, float(self.world.dice.uniform(9.5, 15)), later)

    def things(self, kind: str, count: int, at: dt.datetime) -> list[str]:
        """Return up to *count* resources of *kind* that exist at *at*, or an unused one."""
        return self.world.there(kind, at, count) or [self.world.make(kind, START)]

    def own(self, who: Person, kind: str, count: int, at: dt.datetime) -> list[str]:
        """Return up to *count* own resources of *kind* of *who*, else any of that kind."""
        return self.world.there(kind, at, count, who.own.get(kind, ())) or self.things(
            kind, count, at
        )

    def do(
        self, at: dt.datetime, actor: str, action: str, targets: list[str], gap_s: float = 100
    ) -> dt.datetime:
        """Let *actor* perform *action* on each of *targets*; return the time after the last one."""
        kind_gone = action.endswith("Deleted")
        for target in targets:
            self.world.add(at, actor, action, target, self.label)
            if kind_gone:
                self.world.remove(target.rsplit("-", 1)[0], target, at)
            at += dt.timedelta(seconds=float(self.world.dice.exponential(gap_s)) + 2)
        return at

    def between(self, least: int, most: int) -> int:
        """Return a whole number from *least* to *most*."""
        return int(self.world.dice.integers(least, most + 1))

    def one_of(self, *choices: str) -> str:
        """Return one of *choices*."""
        return str(self.world.dice.choice(choices))

    def weekend(self) -> None:
        """Move the scene to the Saturday or Sunday of its week."""
        self.day += 5 + int(self.world.dice.integers(2)) - self.day % 7

    def workdays(self, count: int) -> list[int]:
        """Return *count* workdays as offsets from the scene's day."""
        return [later for later in range(2 * count + 2) if (self.day + later) % 7 < 5][:count]


Story = Callable[[Scene], None]
