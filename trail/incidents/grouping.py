"""Group failed attempts into job runs and runs into incidents.

Works on arrays, all series at once; a series is one action on one target. Formulas:
docs/detection.md, incidents, items 1, 2 and 4.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SECOND = 1_000_000  # microseconds, the unit of all times here
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

# A failing job is attempted five times in all.
MAX_ATTEMPTS = 5
# Gap that ends a run: longer than any wait between attempts, shorter than any schedule.
_RUN_GAP = 30 * MINUTE
_RUN_GAP_FACTOR = 0.45
# Gap that ends an incident, as a multiple of the typical interval, and its bounds.
_INCIDENT_GAP_FACTOR = 2.2
_MIN_GAP, _MAX_GAP = 2 * HOUR, 26 * HOUR
_DEFAULT_INTERVAL = 24 * HOUR
_INTERVAL_QUANTILE = 0.25
# Intervals are regular if the 75th percentile is at most this many times the 25th.
_REGULAR_RATIO = 1.25
# Two neighboring intervals are similar if they differ by at most this share.
_SIMILAR_SHARE = 0.1

TRANSIENT = "transient"
EXHAUSTED = "retries exhausted"
PERSISTENT = "persistent"
REPEATING = "repeating"
STORM = "storm"
# The most urgent first.
CLASSES = (PERSISTENT, EXHAUSTED, REPEATING, STORM, TRANSIENT)


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of the attempts, and one value per incident in the order of its first attempt.

    `run` and `incident` number the groups from 0; `is_start` marks first attempts of runs that do
    not follow another run within half an hour. Per incident: `first` and `last` are indexes of
    attempts; `cadence` is the regular interval between its runs, 0 if there is none; `gap` is the
    time without failures after which it closes; both in microseconds.
    """

    run: Ints
    is_start: Flags
    incident: Ints
    first: Ints
    last: Ints
    attempts: Ints
    runs: Ints
    exhausted: Ints
    classes: npt.NDArray[np.str_]
    cadence: Ints
    gap: Ints


def group(series: Ints, at: Ints, storm: Ints) -> Groups:
    """Return the runs and incidents of attempts that are sorted by series and then by time.

    *at* is in microseconds; *storm* is the number of the storm that contains the attempt, or 0.

    The typical interval of a series is the 25th percentile of the intervals between its runs, 24 h
    with fewer than two. A run ends after a gap of min(30 min, 0.45 x interval), an incident after
    clamp(2.2 x interval, 2 h, 26 h). If the interval is long or unknown, two hours end an incident
    where a storm begins or ends, and between runs that succeeded in the end, unless they recur at
    similar intervals.
    """
    opens = _series_starts(series)
    number = np.cumsum(opens) - 1
    elapsed = np.diff(at, prepend=at[:1])

    runs = opens | (elapsed > _RUN_GAP)
    estimate = _typical_interval(number, at, runs)
    schedule = _schedule_interval(number, elapsed, runs)
    estimate = np.where(schedule > 0, schedule, estimate)
    run_gap = np.minimum(_RUN_GAP, (_RUN_GAP_FACTOR * estimate).astype(np.int64))
    runs = opens | (elapsed > run_gap[number])

    interval = _typical_interval(number, at, runs)
    gap = np.clip((_INCIDENT_GAP_FACTOR * interval).astype(np.int64), _MIN_GAP, _MAX_GAP)
    slow = (gap >= _MAX_GAP)[number]
    separate = (storm != _previous_storm(storm, runs)) | _unrelated_runs(number, at, runs)
    cuts = slow & (elapsed > _MIN_GAP) & separate
    starts = opens | (runs & (cuts | (elapsed > gap[number])))
    return _summarize(at, runs, _failure_starts(opens, runs, at), starts, gap[number])


def _previous_storm(storm: Ints, runs: Flags) -> Ints:
    """Return for each attempt the storm in which the run before its own began."""
    previous = np.r_[np.zeros(1, np.int64), storm[runs]]
    result: Ints = previous[np.cumsum(runs) - 1]
    return result


def _unrelated_runs(number: Ints, at: Ints, runs: Flags) -> Flags:
    """Return for each attempt whether neither its run nor the previous one used all attempts.

    Runs at similar intervals are a failing schedule, and related.
    """
    run_first = np.flatnonzero(runs)
    partial = np.diff(run_first, append=len(at)) < MAX_ATTEMPTS
    interval = np.diff(at[run_first], prepend=at[:1])
    first = np.diff(number[run_first], prepend=-1) != 0
    similar = ~first[1:] & ~first[:-1]
    similar &= np.abs(np.diff(interval)) <= _SIMILAR_SHARE * interval[1:]
    scheduled = np.zeros(len(run_first), np.bool_)
    scheduled[1:] |= similar
    scheduled[:-1] |= similar
    partial_before = np.r_[False, partial][:-1]
    result: Flags = (partial & partial_before & ~scheduled)[np.cumsum(runs) - 1]
    return result


def _failure_starts(opens: Flags, runs: Flags, at: Ints) -> Flags:
    run_first = np.flatnonzero(runs)
    result = np.zeros(len(at), np.bool_)
    result[run_first] = opens[run_first] | (np.diff(at[run_first], prepend=at[:1]) > _RUN_GAP)
    return result


def _summarize(at: Ints, runs: Flags, is_start: Flags, starts: Flags, gap: Ints) -> Groups:
    first = np.flatnonzero(starts)
    incident = np.cumsum(starts) - 1
    run = np.cumsum(runs) - 1
    run_first = np.flatnonzero(runs)
    sizes = np.diff(run_first, append=len(at))
    count = len(first)
    run_of = incident[run_first]
    n_runs = np.bincount(run_of, minlength=count)
    exhausted = np.bincount(run_of[sizes >= MAX_ATTEMPTS], minlength=count)
    attempts = np.diff(first, append=len(at))
    return Groups(
        run=run,
        is_start=is_start,
        incident=incident,
        first=first,
        last=first + attempts - 1,
        attempts=attempts,
        runs=n_runs,
        exhausted=exhausted,
        classes=classify(n_runs, exhausted),
        cadence=_cadences(run_of, at[run_first], count),
        gap=gap[first],
    )


def classify(runs: Ints, exhausted: Ints) -> npt.NDArray[np.str_]:
    """Return the class of incidents with *runs* runs, *exhausted* of which used all attempts.

    A run with fewer failed attempts succeeded in the end; "persistent" requires two exhausted runs
    (see bench/INCIDENTS.md).
    """
    return np.select(
        [exhausted >= 2, runs >= 3, exhausted == 1],
        [PERSISTENT, REPEATING, EXHAUSTED],
        TRANSIENT,
    )


def _series_starts(series: Ints) -> Flags:
    result: Flags = np.r_[np.ones(min(len(series), 1), np.bool_), series[1:] != series[:-1]]
    return result


def _series_count(number: Ints) -> int:
    return int(number[-1]) + 1 if len(number) else 0


def _typical_interval(number: Ints, at: Ints, runs: Flags) -> Ints:
    """Return for each series the 25th percentile of the intervals between runs.

    With fewer than two intervals it is unknown, and 24 hours.
    """
    run_first, count = np.flatnonzero(runs), _series_count(number)
    groups, starts = number[run_first], at[run_first]
    intervals, same = np.diff(starts), groups[1:] == groups[:-1]
    result = _quantile(groups[1:][same], intervals[same], count, _INTERVAL_QUANTILE)
    known = (np.bincount(groups, minlength=count) >= 3) & (result > 0)
    return np.where(known, result, _DEFAULT_INTERVAL)


def _schedule_interval(number: Ints, elapsed: Ints, runs: Flags) -> Ints:
    """Return for each series the regular interval inside runs with too many attempts, or 0.

    Waits between attempts grow while those of a schedule stay the same, so a regular interval is a
    schedule that is faster than the gap between runs.
    """
    run = np.cumsum(runs) - 1
    inside = ~runs & (np.bincount(run)[run] > MAX_ATTEMPTS)
    return _regular_interval(number[inside], elapsed[inside], _series_count(number))


def _cadences(groups: Ints, starts: Ints, count: int) -> Ints:
    """Return for each incident of at least three runs the regular interval between them, or 0."""
    same = groups[1:] == groups[:-1]
    cadence = _regular_interval(groups[1:][same], np.diff(starts)[same], count)
    return np.where(np.bincount(groups, minlength=count) >= 3, cadence, 0)


def _regular_interval(groups: Ints, values: Ints, count: int) -> Ints:
    """Return the median of each group's values if their middle half is close together, else 0."""
    low, high = (_quantile(groups, values, count, share) for share in (0.25, 0.75))
    return np.where(high <= _REGULAR_RATIO * low, _quantile(groups, values, count, 0.5), 0)


def _quantile(groups: Ints, values: Ints, count: int, share: float) -> Ints:
    """Return the quantile *share* (interpolated) of each of *count* groups' values, 0 for none."""
    if not len(values):
        return np.zeros(count, np.int64)
    ordered = values[np.lexsort((values, groups))]
    sizes = np.bincount(groups, minlength=count)
    ends = np.cumsum(sizes)
    position: npt.NDArray[Any] = (ends - sizes) + share * np.maximum(sizes - 1, 0)
    lower = np.minimum(np.floor(position).astype(np.int64), len(ordered) - 1)
    upper = np.minimum(lower + 1, len(ordered) - 1)
    part = position - np.floor(position)
    result = ordered[lower] + part * np.where(part > 0, ordered[upper] - ordered[lower], 0)
    return np.where(sizes > 0, result.astype(np.int64), 0)
