"""What the sources of demo events hand over: columns for one day, and single planted events.

Separate because people, tokens, noise, failures and stories all make them and none of these knows
another. Choices are drawn as whole columns; only what depends on the state of a resource (is it
there, is it enabled) is decided one event at a time, in time order, when the lines are written.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trail.demo.thing import Resource

DAY_MS = 86_400_000
NO_GROUP = -1
FIRST_PLANTED = -2  # the others count down from it
# Groups tie events together: a person's session from 0, a failing run from FIRST_RUN, a create and
# its delete from FIRST_PAIR; below NO_GROUP they number the planted events.
FIRST_RUN = 1_000_000_000
FIRST_PAIR = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one UTC day: ``ms`` since its midnight, and numbers of actor, act and group."""

    ms: NDArray[np.int64]
    actor: NDArray[np.int64]
    act: NDArray[np.int64]
    group: NDArray[np.int64]

    def select(self, rows: NDArray[np.bool_]) -> "Batch":
        """Return only the *rows* that are true."""
        return Batch(self.ms[rows], self.actor[rows], self.act[rows], self.group[rows])


@dataclass(frozen=True, slots=True)
class Planted:
    """One event with a fixed time (``ms`` since the window's start) and a fixed target."""

    ms: int
    actor: int
    act: int
    target: Resource


def batch(
    ms: NDArray[np.int64],
    actor: NDArray[np.int64] | int,
    act: NDArray[np.int64] | int,
    group: NDArray[np.int64] | int = NO_GROUP,
) -> Batch:
    """Return a batch; a single number stands for a whole column."""
    columns = (
        np.broadcast_to(np.asarray(c, dtype=np.int64), ms.shape) for c in (actor, act, group)
    )
    return Batch(ms.astype(np.int64), *columns)


def in_time_order(batches: Sequence[Batch]) -> Batch:
    """Return all the batches as one, sorted by time."""
    joined = [
        np.concatenate([getattr(b, column) for b in batches])
        for column in ("ms", "actor", "act", "group")
    ]
    order = np.argsort(joined[0], kind="stable")
    return Batch(*(column[order] for column in joined))


def spread(total: int, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Split *total* into whole numbers in proportion to *weights*; they add up to *total*."""
    edges = np.concatenate(([0.0], np.cumsum(weights)))
    parts: NDArray[np.int64] = np.diff(np.rint(edges / edges[-1] * total).astype(np.int64))
    return parts
