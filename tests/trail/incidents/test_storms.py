"""Storms on arrays: how many at once are one, and what an ordinary trail is."""

import numpy as np

from trail.incidents.grouping import HOUR, MINUTE
from trail.incidents.storms import members, spans

DAY = 24 * HOUR


def moments(*minutes: float) -> np.ndarray:
    return np.array(sorted(round(each * MINUTE) for each in minutes), np.int64)


def test_forty_at_once_are_a_storm_and_four_are_none() -> None:
    assert len(spans(moments(*(0.2 * number for number in range(40))))) == 1
    assert spans(moments(0, 1, 2, 3)) == []
    assert spans(moments()) == []


def test_a_storm_across_a_half_hour_is_one() -> None:
    [(begin, end)] = spans(moments(*range(25, 35)))
    assert begin == 25 * MINUTE
    assert end > 34 * MINUTE


def test_what_happens_every_night_is_no_storm() -> None:
    nightly = [24 * 60 * day + each for day in range(60) for each in range(12)]
    assert spans(moments(*nightly)) == []


def test_a_busy_trail_needs_more() -> None:
    random = np.random.default_rng(1)
    onsets = np.sort(random.integers(0, 90 * DAY, 9_000))  # two in half an hour
    assert spans(onsets) == []
    hit = np.sort(np.r_[onsets, np.full(40, 45 * DAY) + np.arange(40) * 10 * MINUTE // 40])
    assert len(spans(hit)) == 1


def test_a_target_that_goes_on_stands_alone() -> None:
    last = moments(*range(10), 60 * 40)
    assert members(last).tolist() == list(range(10))
    assert members(moments(0, 1, 2, 3)).tolist() == []
