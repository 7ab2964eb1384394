"""Storm detection on arrays: how many failures at once are a storm."""

import numpy as np

from trail.incidents.grouping import HOUR, MINUTE
from trail.incidents.storms import members, storm_spans

DAY = 24 * HOUR


def moments(*minutes: float) -> np.ndarray:
    return np.array(sorted(round(minute * MINUTE) for minute in minutes), np.int64)


def test_forty_failures_at_once_are_a_storm_and_four_are_not() -> None:
    assert len(storm_spans(moments(*(0.2 * number for number in range(40))))) == 1
    assert storm_spans(moments(0, 1, 2, 3)) == []
    assert storm_spans(moments()) == []


def test_a_storm_across_a_half_hour_is_one() -> None:
    [(begin, end)] = storm_spans(moments(*range(25, 35)))
    assert begin == 25 * MINUTE
    assert end > 34 * MINUTE


def test_a_nightly_schedule_is_not_a_storm() -> None:
    nightly = [24 * 60 * day + item for day in range(60) for item in range(12)]
    assert storm_spans(moments(*nightly)) == []


def test_a_busy_history_needs_more_failures() -> None:
    random = np.random.default_rng(1)
    starts = np.sort(random.integers(0, 90 * DAY, 9_000))  # two in half an hour
    assert storm_spans(starts) == []
    hit = np.sort(np.r_[starts, np.full(40, 45 * DAY) + np.arange(40) * 10 * MINUTE // 40])
    assert len(storm_spans(hit)) == 1


def test_a_target_that_keeps_failing_is_not_a_member() -> None:
    last = moments(*range(10), 60 * 40)
    assert members(last).tolist() == list(range(10))
    assert members(moments(0, 1, 2, 3)).tolist() == []
