"""Columns of one day's generated events, and single planted events.

Random choices are drawn as whole columns. What depends on the state of a resource (does it exist,
is it enabled) is decided per event, in time order, when the records are written.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trail.demo.thing import Resource

DAY_MS = 86_400_000
NO_GROUP = -1
FIRST_PLANTED = -2  # further planted events count down from it
# Groups connect events: a session from 0, a failing run from FIRST_RUN, a creation and its deletion
# from FIRST_PAIR; below NO_GROUP, the number of a planted event.
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
        """Return the rows where *rows* is true."""
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
