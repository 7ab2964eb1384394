"""Failing runs and syncs: Segment tries up to five times and reports every attempt."""

import numpy as np

from trail.demo.actions import NUMBER
from trail.demo.actors import SYSTEM
from trail.demo.batch import FIRST_RUN, Batch, batch

SHARE = 0.05  # of all lines
# Minutes from the first attempt to each: waits of 1, 2, 4 and 8 minutes.
BACKOFF_MINUTES = np.array([0, 1, 3, 7, 15], dtype=np.float64)
# Share of runs with 1, 2, ... 5 failed attempts.
_ATTEMPTS = np.array([0.52, 0.23, 0.13, 0.07, 0.05])
_ACTIONS: dict[str, float] = {
    "Audience Destination Sync Failed": 34,
    "Audience Run Failed": 16,
    "Computed Trait Run Failed": 8,
    "Computed Trait Destination Sync Failed": 6,
    "Warehouse Run Failed": 16,
    "Source Run Failed": 6,
    "Storage Destination Sync Failed": 4,
    "Storage Destination Sync Partially Succeeded": 2,
    "Profiles Sync Warehouse Sync Failed": 3,
    "Reverse ETL Sync Failed": 4,
    "Reverse ETL Sync Partial Success": 1,
}
_LATEST_START = 86_400_000 - 20 * 60_000  # so that all attempts fall on one day


def attempts(count: int, rng: np.random.Generator) -> Batch:
    """Return *count* failed attempts of one day; the attempts of one run share a group."""
    numbers = rng.choice(5, size=count, p=_ATTEMPTS) + 1
    run = np.repeat(np.arange(count), numbers)[:count]
    attempt = np.arange(count) - np.searchsorted(run, run)
    # Syncs are scheduled at the hour or the half hour and fail some minutes in.
    start = rng.integers(0, 48, count) * 1_800_000 + rng.exponential(150_000, count) + 30_000
    start = np.minimum(start, _LATEST_START - rng.integers(0, 600_000, count))
    waits = BACKOFF_MINUTES[attempt] * 60_000 * rng.uniform(0.9, 1.1, count)
    chances = np.array(list(_ACTIONS.values()))
    acts = np.array([NUMBER[action] for action in _ACTIONS])
    act = rng.choice(acts, size=count, p=chances / chances.sum())
    return batch((start[run] + waits).astype(np.int64), SYSTEM, act[run], run + FIRST_RUN)
