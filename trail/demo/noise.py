"""Events that the workspace generates itself: new events, violations, reads and permission checks.

They follow the traffic of a shop's customers, not the working hours of its staff.
"""

import numpy as np

from trail.demo.actions import NUMBER
from trail.demo.actors import SYSTEM
from trail.demo.batch import Batch, batch

# Shares of all lines. Permission Check belongs to people and the last one to a token.
PERMISSION_CHECK = 0.12
POLLS = 0.05
SHARES: dict[str, float] = {
    "New Event Allowed": 0.13,
    "Violations Detected": 0.065,
    "Tracking Plan New Event Blocked": 0.012,
    "Tracking Plan New Event Allowed": 0.014,
    "Tracking Plan New Track Property Omitted": 0.009,
}
# Share of traffic by UTC hour; the customers are in Europe and America.
TRAFFIC = np.array([
    30, 24, 18, 14, 12, 14, 20, 30, 40, 48, 52, 55,
    60, 64, 68, 72, 76, 80, 84, 82, 74, 62, 50, 40,
], dtype=np.float64)  # fmt: skip
_EDGES = np.concatenate(([0.0], np.cumsum(TRAFFIC) / TRAFFIC.sum()))


def chatter(action: str, count: int, rng: np.random.Generator) -> Batch:
    """Return *count* events of *action* by the system, spread over one day's traffic."""
    ms = np.interp(rng.random(count), _EDGES, np.arange(25) * 3_600_000.0)
    return batch(np.minimum(ms, 86_399_999).astype(np.int64), SYSTEM, NUMBER[action])
