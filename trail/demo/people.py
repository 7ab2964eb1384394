"""The users of the demo workspace: habits, working hours, holidays, leave, joiners, leavers."""

import random
import string
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from trail.demo import names
from trail.demo.actions import ACTS, NUMBER
from trail.demo.batch import Batch, batch
from trail.demo.roles import ROLES

Floats = NDArray[np.float64]

# Hours from UTC without summer time, so that the bytes do not depend on a time zone database.
_REGIONS: dict[str, tuple[float, float, tuple[str, ...]]] = {
    # region: hours from UTC, share of the staff, public holidays (month-day)
    "New York": (-5, 0.30, ("01-01", "05-25", "07-04", "09-07", "11-26", "12-25")),
    "Seattle": (-8, 0.14, ("01-01", "05-25", "07-04", "09-07", "11-26", "12-25")),
    "London": (0, 0.22, ("01-01", "05-04", "08-31", "12-25", "12-26")),
    "Berlin": (1, 0.18, ("01-01", "05-01", "10-03", "12-25", "12-26")),
    "Bengaluru": (5.5, 0.12, ("01-26", "08-15", "10-02", "11-08", "12-25")),
    "São Paulo": (-3, 0.04, ("01-01", "04-21", "09-07", "11-15", "12-25")),
}
_WEEKDAYS = (1.0, 1.08, 1.1, 1.0, 0.78, 0.03, 0.025)
# Share of a working day's activity by local hour, from midnight; the dip is lunch.
_HOURS = np.array(
    [2, 1, 1, 1, 1, 2, 6, 25, 70, 110, 125, 105, 50, 80, 118, 112, 92, 60, 28, 14, 10, 8, 5, 3],
    dtype=np.float64,
)
_HOUR_EDGES = np.concatenate(([0.0], np.cumsum(_HOURS) / _HOURS.sum()))
_MINUTE = 60_000
_ID_CHARACTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Person:
    """A user; works ``shift`` hours earlier or later than their colleagues."""

    id: str
    name: str
    email: str
    role: str
    region: str
    shift: float
    rate: float
    first_day: int
    last_day: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """All people as columns: ``weights`` person x day, ``habits`` person x action, cumulative."""

    people: tuple[Person, ...]
    weights: Floats
    habits: Floats


def staff(
    fixed: tuple[tuple[str, str, str], ...], count: int, days: int, seed: int
) -> list[Person]:
    """Return *count* people, beginning with the *fixed* (name, role, region)."""
    rng = random.Random(f"people {seed}")
    roles, regions = list(ROLES), list(_REGIONS)
    shares = [_REGIONS[region][1] for region in regions]
    people: list[Person] = []
    taken: set[str] = {name for name, _, _ in fixed}
    while len(people) < count:
        number = len(people)
        if number < len(fixed):
            name, role, region = fixed[number]
        else:
            role = rng.choices(roles, [ROLES[r].share for r in roles])[0]
            region = rng.choices(regions, shares)[0]
            name = _free_name(rng, taken)
        planned = number < len(fixed)
        joins = not planned and days > 30 and rng.random() < 0.06
        leaves = not planned and not joins and days > 30 and rng.random() < 0.06
        people.append(
            Person(
                id="".join(rng.choices(_ID_CHARACTERS, k=10)),
                name=name,
                email=names.email(name),
                role=role,
                region=region,
                shift=rng.uniform(-1.2, 1.2),
                rate=rng.lognormvariate(0, 0.45) * ROLES[role].pace,
                first_day=rng.randrange(10, days - 10) if joins else 0,
                last_day=rng.randrange(10, days - 10) if leaves else days - 1,
            )
        )
    return people


def _free_name(rng: random.Random, taken: set[str]) -> str:
    while True:
        name = names.person(rng)
        if name not in taken:
            taken.add(name)
            return name


def crowd(people: list[Person], start: date, days: int, rng: np.random.Generator) -> Crowd:
    """Return the people with their working days and habits as columns."""
    weights = np.empty((len(people), days))
    for row, person in enumerate(people):
        weights[row] = person.rate * _calendar(person, start, days)
        away = int(rng.integers(0, days + 20))
        weights[row, away : away + int(rng.integers(4, 12))] = 0.0
        weights[row, : person.first_day] = 0.0
        weights[row, person.last_day + 1 :] = 0.0
    weights *= rng.lognormal(0, 0.3, weights.shape)
    habits = np.zeros((len(people), len(ACTS)))
    for row, person in enumerate(people):
        for action, weight in ROLES[person.role].habits.items():
            habits[row, NUMBER[action]] = weight * rng.lognormal(0, 0.5)
    habits = np.cumsum(habits, axis=1)
    return Crowd(tuple(people), weights, habits / habits[:, -1:])


def _calendar(person: Person, start: date, days: int) -> Floats:
    holidays = _REGIONS[person.region][2]
    dates = (start + timedelta(days=day) for day in range(days))
    return np.array(
        [_WEEKDAYS[d.weekday()] * (0.02 if f"{d:%m-%d}" in holidays else 1.0) for d in dates]
    )


def sessions(
    crowd: Crowd, day: int, count: int, first_actor: int, rng: np.random.Generator
) -> Batch:
    """Return *count* events of one local day's sessions; late events pass midnight UTC.

    A session is some minutes of one person's work; its events share a group.
    """
    weights = crowd.weights[:, day]
    if not count or not weights.any():
        return batch(np.zeros(0, dtype=np.int64), 0, 0)
    lengths = np.minimum(rng.geometric(0.3, count // 2 + 10), 16)
    while lengths.sum() < count:
        lengths = np.concatenate((lengths, lengths))
    session = np.repeat(np.arange(len(lengths)), lengths)[:count]
    who = rng.choice(len(weights), size=len(lengths), p=weights / weights.sum())[session]
    minutes = _begin(crowd, rng.random(len(lengths)))[session]
    zone = np.array([_REGIONS[p.region][0] - p.shift for p in crowd.people])[who]
    pauses = np.cumsum(rng.exponential(70_000, count) + 4_000)
    first = np.searchsorted(session, session)
    ms = ((minutes - zone * 60) * _MINUTE + pauses - pauses[first]).astype(np.int64)
    # Sessions that would start before UTC midnight start just after it.
    ms = np.where(ms < 0, -ms % (40 * _MINUTE), ms)
    draws = rng.random(count)
    act = np.minimum((crowd.habits[who] < draws[:, None]).sum(axis=1), len(ACTS) - 1)
    return batch(ms, who + first_actor, act, session)


def _begin(crowd: Crowd, draws: Floats) -> Floats:
    """Return local minutes since midnight at which sessions begin."""
    minutes: Floats = np.interp(draws, _HOUR_EDGES, np.arange(25) * 60.0)
    return minutes
