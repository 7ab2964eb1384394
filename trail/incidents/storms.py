"""Storms: one action that begins to fail on many targets at once, more than its own trail explains.

Separate because it is the one rule that looks across targets. DETECTION section 4, item 3.
"""

import numpy as np
import numpy.typing as npt

from trail.incidents.grouping import HOUR, MINUTE, Ints

_WINDOW = 30 * MINUTE
_DAY = 24 * HOUR
# DETECTION's 13 bits are for fixed half hours; a window at every onset gets many more chances.
_BITS = 20.0
_FEWEST = 5
# Windows of ordinary days that are taken for granted, so that a short trail has a rate as well.
_PRIOR = _DAY // _WINDOW
# A target that fails for so much longer than half of the others has a trouble of its own.
_OUTLASTS = 2 * HOUR


def storms(first: Ints, last: Ints) -> Ints:
    """Return the storm of each incident of one action: the place of its first one, or -1.

    *first* and *last* are the incidents' first and last attempts in microseconds, sorted by
    *first*; no target begins two incidents in half an hour. A storm is at least 5 targets within
    30 minutes and more than 20 bits of surprise.
    """
    found = np.full(len(first), -1, np.int64)
    if len(first) < _FEWEST:
        return found
    counts = np.searchsorted(first, first + _WINDOW) - np.arange(len(first))
    heads = np.flatnonzero((counts >= _FEWEST) & (_surprise(first, counts) > _BITS))
    at = 0
    while at < len(heads):
        begin = heads[at]
        end = begin + counts[begin]
        while at < len(heads) and heads[at] < end:
            end = max(end, heads[at] + counts[heads[at]])
            at += 1
        members = np.arange(begin, end)
        members = members[last[members] <= np.median(last[members]) + _OUTLASTS]
        if len(members) >= _FEWEST:
            found[members] = members[0]
    return found


def _surprise(first: Ints, counts: Ints) -> npt.NDArray[np.float64]:
    """Return the bits of so many onsets in the window from each onset on.

    The rate is that of the other onsets, or where it is higher that of the same hour of the other
    days, since a nightly schedule is no storm. Bits are those of Chernoff's bound of the Poisson
    tail, which is closed and never too high.
    """
    span = max(int(first[-1] - first[0]), 1)
    overall = (len(first) - counts + 1) / (span / _WINDOW + _PRIOR)
    hours = first // HOUR % 24
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
