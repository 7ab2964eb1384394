"""Grouping on arrays: the bounds of runs and incidents, the classes, and the rhythm."""

import numpy as np
import pytest

from trail.incidents.grouping import HOUR, MINUTE, classes, group


def grouped(*series: list[float]):
    """Return the groups of series that are given as minutes."""
    numbers = np.repeat(np.arange(len(series)), [len(each) for each in series])
    moments = np.array([round(each * MINUTE) for one in series for each in one], np.int64)
    return group(numbers.astype(np.int64), moments, np.zeros(len(moments), np.bool_))


def test_nothing_gives_nothing() -> None:
    assert len(grouped([]).first) == 0


def test_attempts_of_one_run_are_one_incident() -> None:
    found = grouped([0, 1, 3, 7, 15])
    assert found.attempts.tolist() == [5]
    assert found.runs.tolist() == [1]
    assert found.classes.tolist() == ["retries exhausted"]
    assert found.gap.tolist() == [26 * HOUR]


def test_two_series_never_meet() -> None:
    found = grouped([0, 1], [1, 2])
    assert found.incident.tolist() == [0, 0, 1, 1]
    assert found.run.tolist() == [0, 0, 1, 1]


def test_an_hourly_schedule_is_one_incident_of_many_runs() -> None:
    found = grouped([60.0 * hour for hour in range(24)])
    assert found.runs.tolist() == [24]
    assert found.beat.tolist() == [HOUR]
    assert found.gap.tolist() == [round(2.2 * HOUR)]
    assert found.classes.tolist() == ["repeating"]


def test_an_hourly_schedule_that_pauses_for_three_hours_is_two_incidents() -> None:
    found = grouped([60.0 * hour for hour in (0, 1, 2, 3, 6, 7, 8)])
    assert found.runs.tolist() == [4, 3]


def test_a_schedule_faster_than_the_silence_between_runs_is_seen() -> None:
    found = grouped([10.0 * number for number in range(30)])
    assert found.runs.tolist() == [30]
    assert found.beat.tolist() == [10 * MINUTE]


@pytest.mark.parametrize(("silence", "incidents"), [(25.9, 1), (26.1, 2)])
def test_without_a_rhythm_26_hours_of_silence_end_an_incident(
    silence: float, incidents: int
) -> None:
    # Rare failures far apart: the rhythm is longer than the longest gap allows.
    found = grouped([0, 60 * 24 * 10, 60 * 24 * 20, 60 * (24 * 20 + silence)])
    assert len(found.first) == 2 + incidents


@pytest.mark.parametrize(
    ("runs", "exhausted", "expected"),
    [
        (1, 0, "transient"),
        (2, 0, "transient"),
        (3, 0, "repeating"),
        (1, 1, "retries exhausted"),
        (2, 1, "retries exhausted"),
        (3, 1, "repeating"),
        (2, 2, "persistent"),
    ],
)
def test_classes(runs: int, exhausted: int, expected: str) -> None:
    assert classes(np.array([runs]), np.array([exhausted])).tolist() == [expected]
