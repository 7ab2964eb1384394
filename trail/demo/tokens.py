"""The API tokens of the demo workspace: they act on schedules and do few things."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from trail.demo.actions import NUMBER
from trail.demo.batch import FIRST_PAIR, Batch, batch

EVERY_HOUR = tuple(float(hour) for hour in range(23))
DAYTIME = (8.5, 9.75, 10.5, 11.25, 13.5, 14.25, 15.0, 16.5, 17.25, 19.0, 20.5)
WORKWEEK = frozenset(range(5))
EVERY_DAY = frozenset(range(7))
_HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class Token:
    """An API token; ``hours`` UTC at which a run may start, on ``weekdays``, acting ``habits``.

    ``runs`` is how many of the hours are used on one day; 0 means all of them.
    """

    name: str
    id: str
    share: float
    hours: tuple[float, ...]
    weekdays: frozenset[int]
    runs: int
    habits: dict[str, float]


TOKENS: tuple[Token, ...] = (
    Token("terraform-ci", "tok_terraform_ci", 0.31, DAYTIME, WORKWEEK, 4, {
        "Source Modified": 24, "Source Settings Modified": 8, "Integrations Modified": 26,
        "Destination Filters Modified": 3, "Storage Destination Modified": 1.5,
    }),
    Token("dbt-deploy", "tok_dbt_deploy", 0.08, (7.5, 13.5), WORKWEEK, 0, {
        "Warehouses Modified": 6, "Model Settings Saved": 2, "Profiles Sync Warehouse Updated": 1,
        "Engage Warehouse Source Modified": 3,
    }),
    Token("nightly-export", "tok_nightly_export", 0.05, (2.0,), EVERY_DAY, 0, {
        "Audience Run Forced": 1,
    }),
    Token("qa-create-delete", "tok_qa_create_delete", 0.10, EVERY_HOUR[5:21], WORKWEEK, 0, {
        "Source Created": 5, "Integrations Created": 4, "Destination Filters Created": 1.5,
        "Tracking Plan Created": 1,
    }),
    Token("tracking-plan-sync", "tok_tracking_plan_sync", 0.19, (0.2, 6.2, 12.2, 18.2), EVERY_DAY,
          0, {"Tracking Plan Modified": 8, "Tracking Plan Operations Updated": 3,
              "Tracking Plan Updated": 4}),
    Token("function-deploy", "tok_function_deploy", 0.07, DAYTIME, WORKWEEK, 2, {
        "Destination Function Modified": 5, "Source Function Modified": 3,
    }),
    Token("scim-sync", "tok_scim_sync", 0.13, EVERY_HOUR, EVERY_DAY, 0, {
        "User Added To User Group": 6, "User Removed From User Group": 4,
        "Subjects Added to Group": 2,
    }),
    Token("audience-api", "tok_audience_api", 0.09, EVERY_HOUR[::2], EVERY_DAY, 0, {
        "Audience Modified": 8, "Computed Trait Modified": 3, "Destination Added into Audience": 1,
    }),
    Token("status-poller", "tok_status_poller", 0.0, EVERY_HOUR, EVERY_DAY, 0, {
        "Profiles Sync Warehouse Retrieved": 1,
    }),
)  # fmt: skip
PAIRS = "qa-create-delete"  # deletes every resource that it creates
POLLER = "status-poller"  # its share is part of `noise`


def shares(start: date, days: int) -> NDArray[np.float64]:
    """Return the share of token activity by token (row) and day (column)."""
    weekdays = [(start + timedelta(days=day)).weekday() for day in range(days)]
    working = [[float(day in token.weekdays) for day in weekdays] for token in TOKENS]
    return np.array([[token.share] for token in TOKENS]) * np.array(working, dtype=np.float64)


def runs(token: Token, actor: int, count: int, rng: np.random.Generator) -> Batch:
    """Return *count* events of one token on one day."""
    hours = np.array(token.hours)
    if token.runs:
        hours = rng.choice(hours, size=token.runs, replace=False)
    # Busy tokens need longer for a run; a run must be over within about the hour.
    length = min(2_000.0 * count / len(hours) + 8_000, 700_000.0)
    acts = np.array([NUMBER[action] for action in token.habits])
    chances = np.array(list(token.habits.values()))
    act = rng.choice(acts, size=count, p=chances / chances.sum())
    start = rng.choice(hours, size=count) * _HOUR + rng.integers(0, 3_000, count)
    ms = start + np.minimum(rng.exponential(length, count), _HOUR * 0.9)
    if token.name != PAIRS:
        return batch(ms.astype(np.int64), actor, act)
    pair = np.arange(count) // 2
    first = np.arange(count) % 2 == 0
    ms = np.where(first, ms, ms[pair * 2] + rng.uniform(120_000, 900_000, count))
    return batch(ms.astype(np.int64), actor, act, pair + FIRST_PAIR)
