"""The users of a simulated workspace in seven roles, and eight tokens with schedules."""

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from bench.detection import DAYS

Dice = np.random.Generator

# Size of each role, and weights of its actions; a person's own weights are drawn around them.
ROLES: dict[str, tuple[int, dict[str, float]]] = {
    "owner": (6, {
        "User Invite Sent": 6, "User Invite Deleted": 1, "User Group Updated": 2,
        "User Policy Updated": 2, "User Removed": 1.2, "User Group Created": 0.3,
        "Space Modified": 1, "Source Modified": 4, "Integrations Modified": 4,
        "Warehouses Modified": 2, "Label Created": 1, "Tracking Plan Modified": 2,
    }),
    "data_eng": (50, {
        "Warehouses Modified": 9, "Source Modified": 14, "Source Settings Modified": 5,
        "Source Created": 2, "Source Deleted": 0.7, "Source Disabled": 0.8, "Source Enabled": 1.2,
        "Warehouses Disabled": 0.25, "Warehouses Enabled": 0.3, "Warehouses Created": 0.3,
        "Warehouses Deleted": 0.04, "Model Settings Saved": 10, "Model Created": 3,
        "Model Deleted": 0.7, "Model State Change Toggled": 2, "Storage Destination Modified": 1.5,
        "Source Connected to Tracking Plan": 1, "Tracking Plan Modified": 2,
        "Profiles Sync Warehouse Updated": 1, "Warehouse Credential Modified": 0.3,
        "Integrations Modified": 4,
    }),
    "impl_dev": (80, {
        "Source Modified": 9, "Integrations Modified": 14, "Integrations Created": 3,
        "Integrations Enabled": 3, "Integrations Disabled": 1.6, "Integrations Deleted": 0.8,
        "Destination Function Modified": 4, "Destination Function Created": 0.6,
        "Source Function Modified": 2, "Tracking Plan Modified": 10,
        "Source Connected to Tracking Plan": 1.6, "Source Disconnected From Tracking Plan": 0.3,
        "Destination Filters Created": 1.2, "Destination Filters Modified": 1.1,
        "Destination Filters Deleted": 0.15, "Schema Event Allowed": 5, "Schema Event Blocked": 3,
        "Source Created": 1.3, "Source Deleted": 0.35, "Source Disabled": 0.4,
        "Transformation Created": 0.8, "Transformation Updated": 1.6,
    }),
    "marketer": (90, {
        "Audience Modified": 16, "Audience Created": 7, "Audience Deleted": 1.3,
        "Audience Preview Created": 12, "Computed Trait Created": 1.6, "Computed Trait Modified": 4,
        "Computed Trait Deleted": 0.3, "Destination Added into Audience": 5,
        "Destination Removed from Audience": 1.6, "Destination Updated for Audience": 3,
        "Audience CSV Downloaded": 0.7, "Audience Run Forced": 2, "Activation Created": 2,
    }),
    "analyst": (60, {
        "Computed Trait Created": 4, "Computed Trait Modified": 8, "Audience Preview Created": 12,
        "Audience Created": 2, "Audience Modified": 3, "Audience CSV Downloaded": 0.9,
        "Computed Trait CSV Downloaded": 1, "Model Settings Saved": 4, "Model Created": 1,
        "Source Debugger Raw Viewed": 6, "Tracking Plan Modified": 1.5,
        "Computed Trait Deleted": 0.4,
    }),
    "privacy": (6, {
        "Source Regulation Created": 5, "Workspace Regulation Created": 2,
        "Regulation Deleted": 0.5, "Destination Filters Created": 3,
        "Destination Filters Modified": 4, "Destination Filters Deleted": 0.3,
        "Schema Identify Trait Blocked": 3, "Tracking Plan Modified": 4, "Schema Event Blocked": 2,
    }),
    "contractor": (8, {
        "Source Modified": 6, "Integrations Modified": 6, "Destination Function Modified": 4,
        "Tracking Plan Modified": 6, "Audience Modified": 4, "Schema Event Allowed": 3,
    }),
}  # fmt: skip

ZONES = (-8, -5, 0, 1, 2, 5.5)
_ZONE_SHARES = (0.22, 0.25, 0.15, 0.2, 0.08, 0.1)
# Concentration of the Dirichlet distribution of actions: a lower value makes people differ more.
_CONCENTRATION = 14.0


@dataclass
class Person:
    """A user: actions, working hours, and days of employment and absence."""

    actor: str
    role: str
    zone: float
    active: float  # share of their workdays with anything
    rate: float  # changes on an active day
    actions: list[str]
    shares: np.ndarray
    weekend: float
    start: int = 0
    end: int = DAYS
    away: list[tuple[int, int]] = field(default_factory=list)
    own: dict[str, list[str]] = field(default_factory=dict)

    def there(self, day: int) -> bool:
        """Return whether they are employed and not on leave on *day*."""
        return self.start <= day < self.end and not any(a <= day < b for a, b in self.away)


@dataclass(frozen=True)
class Token:
    """A token: its actions, UTC hours and weekdays, and the number of events per run."""

    actor: str
    actions: tuple[str, ...]
    hours: tuple[int, ...]
    weekdays: tuple[int, ...]
    least: int
    most: int


_ALL, _WORK = tuple(range(7)), tuple(range(5))
TOKENS = (
    Token("tokens/hourly-plans", ("Tracking Plan Modified",), tuple(range(24)), _ALL, 1, 4),
    Token("tokens/hourly-schema", ("Schema Event Allowed", "Schema Event Blocked"),
          tuple(range(24)), _ALL, 0, 5),
    Token("tokens/nightly-models", ("Model Settings Saved",), (2,), _ALL, 25, 40),
    Token("tokens/twice-a-day", ("Integrations Modified",), (6, 18), _ALL, 8, 14),
    Token("tokens/weekday-lists", ("Audience Created", "Audience Modified"), (9,), _WORK, 14, 26),
    Token("tokens/weekly-members", ("Subjects Added to Group",), (4,), (0,), 4, 12),
    # The deploy token runs at random hours; see `days`.
    Token("tokens/deploy", ("Destination Function Modified", "Integrations Modified",
                            "Tracking Plan Modified"), (), _WORK, 6, 60),
    Token("tokens/qa", ("Integrations Created", "Integrations Deleted"), (5, 13), _WORK, 1, 4),
)  # fmt: skip


def people(dice: Dice, scale: float) -> list[Person]:
    """Return the users: the share *scale* of the full number in each role, at least two."""
    made: list[Person] = []
    for role, (count, weights) in ROLES.items():
        made.extend(
            _person(dice, f"users/{role}-{number:03}", role, weights)
            for number in range(max(2, round(count * scale)))
        )
    order = dice.permutation(len(made))
    hires, leavers, dormant, leave = _shares(len(made))
    for place, index in enumerate(order):
        who = made[index]
        if place < hires:
            who.start = int(dice.integers(10, DAYS - 12))
        elif place < hires + leavers:
            who.end = int(dice.integers(25, DAYS - 10))
        elif place < hires + leavers + dormant:
            begin = int(dice.integers(12, 26))
            who.away = [(begin, DAYS)]
        elif place < hires + leavers + dormant + leave:
            begin = int(dice.integers(5, DAYS - 8))
            who.away = [(begin, begin + int(dice.choice([5, 7, 12, 14])))]
    return made


def _shares(count: int) -> tuple[int, int, int, int]:
    """Return the numbers of users who join, leave, become dormant and are on leave."""
    return max(2, count // 25), max(2, count // 30), max(4, count // 20), count // 3


def _person(dice: Dice, actor: str, role: str, weights: dict[str, float]) -> Person:
    shares = np.array(list(weights.values()))
    shares = dice.dirichlet(_CONCENTRATION * shares / shares.sum())
    return Person(
        actor,
        role,
        float(dice.choice(ZONES, p=_ZONE_SHARES)),
        float(dice.beta(2.5, 3.0)),
        float(np.exp(dice.normal(np.log(4), 0.7))),
        list(weights),
        shares,
        float(dice.choice([0.02, 0.25], p=[0.92, 0.08])),
    )


def newcomer(dice: Dice, actor: str, role: str, start: int) -> Person:
    """Return a user of *role* who joins on day *start*."""
    who = _person(dice, actor, role, ROLES[role][1])
    who.start = start
    return who


def minutes_of_day(dice: Dice, who: Person, count: int) -> list[dt.timedelta]:
    """Return *count* sorted times of one working day, as UTC offsets from the day's start."""
    begin = dice.normal(9.2, 0.7)
    span = dice.choice([4.0, 8.5], p=[0.2, 0.8])
    # People work in sessions: a few start times, and minutes between the following events.
    starts = begin + span * dice.random(1 + count // 4)
    hours = dice.choice(starts, count) + dice.exponential(0.12, count)
    lunch = (hours > 12) & (hours < 13) & (dice.random(count) < 0.7)
    hours = np.clip(np.where(lunch, hours + 1, hours), 0, 23.99)
    return [dt.timedelta(hours=float(hour) - who.zone) for hour in sorted(hours)]
