"""Detect storms: one action starts failing on many targets at once, unexpectedly for its history.

Formula: docs/detection.md, incidents, item 3.
"""

import numpy as np
import numpy.typing as npt

from trail.incidents.grouping import HOUR, MINUTE, Ints

_WINDOW = 30 * MINUTE
_DAY = 24 * HOUR
# 13 bits suffice for fixed half hours; a window at every failure has many more chances.
_MIN_BITS = 20.0
_MIN_TARGETS = 5
# Windows of ordinary days assumed in advance, so that a short history has a rate too.
_PRIOR_WINDOWS = _DAY // _WINDOW
# A target that keeps failing this much longer than the median has a problem of its own.
_MAX_OVERRUN = 2 * HOUR


def storm_spans(starts: Ints) -> list[tuple[int, int]]:
    """Return the storms of one action: spans in microseconds, the end exclusive.

    *starts* are the sorted times at which runs began to fail, each target at most once per half
    hour. A storm is at least 5 targets within 30 minutes and more than 20 bits of surprise.
    """
    if len(starts) < _MIN_TARGETS:
        return []
    counts = np.searchsorted(starts, starts + _WINDOW) - np.arange(len(starts))
    is_storm = (counts >= _MIN_TARGETS) & (_surprise_bits(starts, counts) > _MIN_BITS)
    spans: list[tuple[int, int]] = []
    for start in starts[is_storm].tolist():
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], start + _WINDOW)
        else:
            spans.append((start, start + _WINDOW))
    return spans


def members(last: Ints) -> Ints:
    """Return the indexes of the incidents that form the storm in whose span they all began.

    *last* are their last attempts in microseconds. A target that fails for two hours longer than
    the median is excluded; fewer than 5 are not a storm.
    """
    if not len(last):
        return np.arange(0)
    indexes = np.flatnonzero(last <= np.median(last) + _MAX_OVERRUN)
    return indexes if len(indexes) >= _MIN_TARGETS else indexes[:0]


def _surprise_bits(starts: Ints, counts: Ints) -> npt.NDArray[np.float64]:
    """Return the surprise of *counts* failures in the window that begins at each of *starts*.

    The rate is that of the other failures or, if higher, that of the same hour on other days, since
    a nightly schedule is not a storm. Bits follow Chernoff's bound of the Poisson tail.
    """
    span = max(int(starts[-1] - starts[0]), 1)
    overall = (len(starts) - counts + 1) / (span / _WINDOW + _PRIOR_WINDOWS)
    hours = starts // HOUR % 24
    same_hour = np.bincount(hours, minlength=24)[hours]
    hourly = (same_hour - _same_hour_within(hours, counts)) / (span / _DAY + 1) * (_WINDOW / HOUR)
    rate = np.maximum(overall, hourly)
    bits = (counts * np.log(counts / rate) - (counts - rate)) / np.log(2)
    return np.where(counts > rate, bits, 0.0)


def _same_hour_within(hours: Ints, counts: Ints) -> Ints:
    """Return how many failures of each window fall into the hour in which it begins."""
    indexes = np.arange(len(hours))
    # A window of half an hour spans at most two hours; the first ends where the hour changes.
    changes = np.r_[np.flatnonzero(np.diff(hours)) + 1, len(hours)]
    stop = changes[np.searchsorted(changes, indexes, side="right")]
    result: Ints = np.minimum(stop, indexes + counts) - indexes
    return result
