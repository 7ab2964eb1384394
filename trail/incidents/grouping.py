"""From failed attempts to runs to incidents, each target by its own rhythm.

Pure arithmetic on arrays, all series at once, so that it runs the same on one series and on all.
A series is one action on one target. See docs/detection.md, incidents, items 1, 2 and 4.
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

# A job that fails is tried five times in all.
MOST_ATTEMPTS = 5
# A longer silence ends a run: longer than any wait between attempts, shorter than any schedule.
_RUN_GAP = 30 * MINUTE
_RUN_SHARE = 0.45
# Silence that ends an incident: so many times the rhythm, within these bounds.
_INCIDENT_TIMES = 2.2
_SHORTEST, _LONGEST = 2 * HOUR, 26 * HOUR
_UNKNOWN = 24 * HOUR
_QUARTER = 0.25
# A rhythm is even where its longer intervals are at most so much longer than its shorter ones.
_EVEN = 1.25
_ALIKE = 0.1

TRANSIENT = "transient"
EXHAUSTED = "retries exhausted"
PERSISTENT = "persistent"
REPEATING = "repeating"
STORM = "storm"
# The most urgent first.
CLASSES = (PERSISTENT, EXHAUSTED, REPEATING, STORM, TRANSIENT)


@dataclass(frozen=True, slots=True)
class Groups:
    """What became of the attempts, and one value an incident in the order of its first attempt.

    `run` and `incident` number the attempts' groups from 0; `onset` marks the first attempts of
    runs that do not follow another within half an hour. Of incidents: `first` and `last` are
    places of attempts; `beat` is the even interval between its runs, 0 where there is none; `gap`
    is the silence after which it is over; both in microseconds.
    """

    run: Ints
    onset: Flags
    incident: Ints
    first: Ints
    last: Ints
    attempts: Ints
    runs: Ints
    exhausted: Ints
    classes: npt.NDArray[np.str_]
    beat: Ints
    gap: Ints


def group(series: Ints, at: Ints, storm: Ints) -> Groups:
    """Return the runs and incidents of attempts, which are sorted by series and then by time.

    *storm* numbers the storm of its action in which an attempt lies, 0 for none. For a target whose
    rhythm is slow or not known, two hours of silence end an incident where a storm begins or ends,
    and between runs that went through in the end, unless they come at an even beat.

    *at* is in microseconds. A run ends at a silence of more than min(30 min, 0.45 x rhythm), an
    incident at one of clamp(2.2 x rhythm, 2 h, 26 h); the rhythm is the 25th percentile of the
    intervals between the series' runs, 24 h where there are fewer than two.
    """
    opens = _changes(series)
    number = np.cumsum(opens) - 1
    silence = np.diff(at, prepend=at[:1])

    runs = opens | (silence > _RUN_GAP)
    rough = _rhythm(number, at, runs)
    rough = np.where(rough > 0, rough, _UNKNOWN)
    steady = _steady(number, silence, runs)
    rough = np.where(steady > 0, steady, rough)
    runs = opens | (silence > np.minimum(_RUN_GAP, (_RUN_SHARE * rough).astype(np.int64))[number])

    rhythm = _rhythm(number, at, runs)
    rhythm = np.where(rhythm > 0, rhythm, _UNKNOWN)
    gap = np.clip((_INCIDENT_TIMES * rhythm).astype(np.int64), _SHORTEST, _LONGEST)
    slow = (gap >= _LONGEST)[number]
    apart = (storm != _before(storm, runs)) | _unrelated(number, at, runs)
    cuts = slow & (silence > _SHORTEST) & apart
    starts = opens | (runs & (cuts | (silence > gap[number])))
    return _summary(at, runs, _onsets(opens, runs, at), starts, gap[number])


def _before(storm: Ints, runs: Flags) -> Ints:
    """Return for each attempt the storm in which the run before its own began."""
    begins = storm[runs]
    earlier = np.zeros(len(begins), np.int64)
    earlier[1:] = begins[:-1]
    found: Ints = earlier[np.cumsum(runs) - 1]
    return found


def _unrelated(number: Ints, at: Ints, runs: Flags) -> Flags:
    """Return for each attempt whether neither its run nor the one before used all attempts.

    Runs that come at the interval of a neighbour are a schedule that fails, and related.
    """
    places = np.flatnonzero(runs)
    soft = np.diff(places, append=len(at)) < MOST_ATTEMPTS
    interval = np.diff(at[places], prepend=at[:1])
    first = np.diff(number[places], prepend=-1) != 0
    alike = np.zeros(len(places), np.bool_)
    near = ~first[1:] & ~first[:-1] & (np.abs(np.diff(interval)) <= _ALIKE * interval[1:])
    alike[1:] |= near
    alike[:-1] |= near
    soft_before = np.zeros(len(places), np.bool_)
    soft_before[1:] = soft[:-1]
    found: Flags = (soft & soft_before & ~alike)[np.cumsum(runs) - 1]
    return found


def _onsets(opens: Flags, runs: Flags, at: Ints) -> Flags:
    places = np.flatnonzero(runs)
    apart = np.diff(at[places], prepend=at[:1]) > _RUN_GAP
    found = np.zeros(len(at), np.bool_)
    found[places] = opens[places] | apart
    return found


def _summary(at: Ints, runs: Flags, onset: Flags, starts: Flags, gap: Ints) -> Groups:
    first = np.flatnonzero(starts)
    incident = np.cumsum(starts) - 1
    run = np.cumsum(runs) - 1
    run_first = np.flatnonzero(runs)
    sizes = np.diff(run_first, append=len(at))
    count = len(first)
    run_of = incident[run_first]
    n_runs = np.bincount(run_of, minlength=count)
    exhausted = np.bincount(run_of, weights=sizes >= MOST_ATTEMPTS, minlength=count)
    exhausted = exhausted.astype(np.int64)
    edges = np.diff(first, append=len(at))
    return Groups(
        run=run,
        onset=onset,
        incident=incident,
        first=first,
        last=first + edges - 1,
        attempts=edges,
        runs=n_runs,
        exhausted=exhausted,
        classes=classes(n_runs, exhausted),
        beat=_beats(run_of, at[run_first], count),
        gap=gap[first],
    )


def classes(runs: Ints, exhausted: Ints) -> npt.NDArray[np.str_]:
    """Return the class of incidents with so many runs, so many of which used all attempts.

    Others call one exhausted run with any other persistent. A run with fewer failed attempts
    went through in the end, so that two exhausted ones are asked for: see bench/INCIDENTS.md.
    """
    return np.select(
        [exhausted >= 2, runs >= 3, exhausted == 1],
        [PERSISTENT, REPEATING, EXHAUSTED],
        TRANSIENT,
    )


def _changes(values: Ints) -> Flags:
    found = np.ones(len(values), np.bool_)
    found[1:] = values[1:] != values[:-1]
    return found


def _count(number: Ints) -> int:
    return int(number[-1]) + 1 if len(number) else 0


def _rhythm(number: Ints, at: Ints, runs: Flags) -> Ints:
    """Return for each series the 25th percentile of the intervals between runs, or 0.

    One interval is no rhythm yet.
    """
    places = np.flatnonzero(runs)
    groups, starts = number[places], at[places]
    intervals, same = np.diff(starts), groups[1:] == groups[:-1]
    found = _quantile(groups[1:][same], intervals[same], _count(number), _QUARTER)
    return np.where(np.bincount(groups, minlength=_count(number)) >= 3, found, 0)


def _steady(number: Ints, silence: Ints, runs: Flags) -> Ints:
    """Return for each series the even interval inside runs with too many attempts, or 0.

    Waits between attempts grow; a schedule's stay the same. So an even interval is a schedule that
    is faster than the silence between runs.
    """
    run = np.cumsum(runs) - 1
    inside = ~runs & (np.bincount(run)[run] > MOST_ATTEMPTS)
    return _even(number[inside], silence[inside], _count(number))


def _beats(groups: Ints, starts: Ints, count: int) -> Ints:
    """Return for each incident of three and more runs the even interval between them, or 0."""
    same = groups[1:] == groups[:-1]
    beat = _even(groups[1:][same], np.diff(starts)[same], count)
    return np.where(np.bincount(groups, minlength=count) >= 3, beat, 0)


def _even(groups: Ints, values: Ints, count: int) -> Ints:
    """Return the median of each group's values where their middle half is close, else 0."""
    low, high = (_quantile(groups, values, count, share) for share in (0.25, 0.75))
    return np.where(high <= _EVEN * low, _quantile(groups, values, count, 0.5), 0)


def _quantile(groups: Ints, values: Ints, count: int, share: float) -> Ints:
    """Return the quantile *share* (interpolated) of each of *count* groups' values, 0 for none."""
    if not len(values):
        return np.zeros(count, np.int64)
    ordered = values[np.lexsort((values, groups))]
    sizes = np.bincount(groups, minlength=count)
    ends = np.cumsum(sizes)
    place: npt.NDArray[Any] = (ends - sizes) + share * np.maximum(sizes - 1, 0)
    lower = np.minimum(np.floor(place).astype(np.int64), len(ordered) - 1)
    upper = np.minimum(lower + 1, len(ordered) - 1)
    part = place - np.floor(place)
    found = ordered[lower] + part * np.where(part > 0, ordered[upper] - ordered[lower], 0)
    return np.where(sizes > 0, found.astype(np.int64), 0)
