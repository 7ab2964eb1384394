"""The size of the demo workspace and the number of events of each type per day.

The total is exact. As it grows, tokens and Segment itself account for the growth, because people
can only do so much.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from trail.demo import failures, noise, tokens
from trail.demo.batch import spread

Counts = NDArray[np.int64]

_USUAL = 20_000
_PEOPLE_SHARE = 0.35
_BUSY = 14  # events per person and working day that a large workspace has at the most


@dataclass(frozen=True, slots=True)
class Amounts:
    """Lines per day, and for ``tokens`` per token and day."""

    people: Counts
    checks: Counts
    polls: Counts
    failures: Counts
    tokens: Counts
    chatter: dict[str, Counts]


def headcount(events: int) -> int:
    """Return the number of users: 45 at 20,000 events, 310 from one million."""
    return int(np.clip(round(45 * (events / _USUAL) ** 0.493), 24, 310))


def size(events: int) -> float:
    """Return the factor for the number of resources (1 at 20,000 events, at most 45)."""
    return min(float((events / _USUAL) ** 0.72), 45.0)


def split(
    total: int, weights: NDArray[np.float64], start: date, rng: np.random.Generator
) -> Amounts:
    """Return amounts that add up to *total*; *weights* are person x day activity."""
    days = weights.shape[1]
    weekdays = np.array([(start + timedelta(days=day)).weekday() for day in range(days)])
    traffic = np.where(weekdays < 5, 1.0, 0.84) * rng.lognormal(0, 0.1, days)
    presence: NDArray[np.float64] = weights.sum(axis=0) * rng.lognormal(0, 0.12, days) + 1e-9
    capacity = round(weights.shape[0] * days * 5 / 7 * _BUSY)
    people = min(round(total * _PEOPLE_SHARE), capacity)
    checks = round(total * noise.PERMISSION_CHECK)
    polls = round(total * noise.POLLS)
    failed = round(total * failures.SHARE)
    chatter = {action: round(total * share) for action, share in noise.SHARES.items()}
    rest = total - people - checks - polls - failed - sum(chatter.values())
    shares = tokens.shares(start, days) * rng.lognormal(0, 0.25, (len(tokens.TOKENS), days))
    return Amounts(
        people=spread(people, presence),
        checks=spread(checks, presence),
        polls=spread(polls, np.ones(days)),
        failures=spread(failed, rng.lognormal(0, 0.2, (days,))),
        tokens=spread(rest, shares.ravel()).reshape(shares.shape),
        chatter={action: spread(count, traffic) for action, count in chatter.items()},
    )
