"""Storms: one action that begins to fail on many targets at once, more than its own trail explains.

Separate because it is the one rule that looks across targets. docs/detection.md, incidents, item 3.
"""

import numpy as np
import numpy.typing as npt

from trail.incidents.grouping import HOUR, MINUTE, Ints

_WINDOW = 30 * MINUTE
_DAY = 24 * HOUR
# 13 bits are for fixed half hours; a window at every onset gets many more chances.
_BITS = 20.0
_FEWEST = 5
# Windows of ordinary days that are taken for granted, so that a short trail has a rate as well.
_PRIOR = _DAY // _WINDOW
# A target that fails for so much longer than half of the others has a trouble of its own.
_OUTLASTS = 2 * HOUR


def spans(onsets: Ints) -> list[tuple[int, int]]:
    """Return when one action's storms began: spans of microseconds, the end not included.

    *onsets* are the sorted times at which runs began to fail, no target twice in half an hour. A
    storm is at least 5 targets within 30 minutes and more than 20 bits of surprise.
    """
    if len(onsets) < _FEWEST:
        return []
    counts = np.searchsorted(onsets, onsets + _WINDOW) - np.arange(len(onsets))
    found: list[tuple[int, int]] = []
    for head in np.flatnonzero((counts >= _FEWEST) & (_surprise(onsets, counts) > _BITS)):
        begin, end = int(onsets[head]), int(onsets[head]) + _WINDOW
        if found and begin < found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


def members(last: Ints) -> Ints:
    """Return the places of those incidents that are one storm, of all that began in its span.

    *last* are their last attempts in microseconds. A target that goes on failing for two hours
    more than half of them has a trouble of its own; fewer than 5 are no storm.
    """
    found = np.flatnonzero(last <= np.median(last) + _OUTLASTS) if len(last) else np.arange(0)
    return found if len(found) >= _FEWEST else found[:0]


def _surprise(onsets: Ints, counts: Ints) -> npt.NDArray[np.float64]:
    """Return the bits of so many onsets in the window from each onset on.

    The rate is that of the other onsets, or where it is higher that of the same hour of the other
    days, since a nightly schedule is no storm. Bits are those of Chernoff's bound of the Poisson
    tail, which is closed and never too high.
    """
    span = max(int(onsets[-1] - onsets[0]), 1)
    overall = (len(onsets) - counts + 1) / (span / _WINDOW + _PRIOR)
    hours = onsets // HOUR % 24
    alike = np.bincount(hours, minlength=24)[hours]
    here = _alike_within(hours, counts)
    hourly = (alike - here) / (span / _DAY + 1) * (_WINDOW / HOUR)
    rate = np.maximum(overall, hourly)
    bits = (counts * np.log(counts / rate) - (counts - rate)) / np.log(2)
    return np.where(counts > rate, bits, 0.0)


def _alike_within(hours: Ints, counts: Ints) -> Ints:
    """Return how many onsets of each window lie in the hour in which it begins."""
    places = np.arange(len(hours))
    # Half an hour touches at most two hours; the first of them ends where the hour changes.
    changes = np.r_[np.flatnonzero(np.diff(hours)) + 1, len(hours)]
    stop = changes[np.searchsorted(changes, places, side="right")]
    found: Ints = np.minimum(stop, places + counts) - places
    return found
