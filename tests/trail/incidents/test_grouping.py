"""Grouping on arrays: bounds of runs and incidents, classes, and cadence."""

import numpy as np
import pytest

from trail.incidents.grouping import HOUR, MINUTE, classify, group


def grouped(*series: list[float]):
    """Return the groups of series given in minutes."""
    numbers = np.repeat(np.arange(len(series)), [len(minutes) for minutes in series])
    moments = np.array(
        [round(minute * MINUTE) for minutes in series for minute in minutes], np.int64
    )
    return group(numbers.astype(np.int64), moments, np.zeros(len(moments), np.int64))


def test_no_attempts_give_no_incidents() -> None:
    assert len(grouped([]).first) == 0


def test_attempts_of_one_run_are_one_incident() -> None:
    result = grouped([0, 1, 3, 7, 15])
    assert result.attempts.tolist() == [5]
    assert result.runs.tolist() == [1]
    assert result.classes.tolist() == ["retries exhausted"]
    assert result.gap.tolist() == [26 * HOUR]


def test_series_are_grouped_separately() -> None:
    result = grouped([0, 1], [1, 2])
    assert result.incident.tolist() == [0, 0, 1, 1]
    assert result.run.tolist() == [0, 0, 1, 1]


def test_an_hourly_schedule_is_one_incident_of_many_runs() -> None:
    result = grouped([60.0 * hour for hour in range(24)])
    assert result.runs.tolist() == [24]
    assert result.cadence.tolist() == [HOUR]
    assert result.gap.tolist() == [round(2.2 * HOUR)]
    assert result.classes.tolist() == ["repeating"]


def test_an_hourly_schedule_that_pauses_for_three_hours_is_two_incidents() -> None:
    result = grouped([60.0 * hour for hour in (0, 1, 2, 3, 6, 7, 8)])
    assert result.runs.tolist() == [4, 3]


def test_a_schedule_faster_than_the_gap_between_runs_is_recognized() -> None:
    result = grouped([10.0 * number for number in range(30)])
    assert result.runs.tolist() == [30]
    assert result.cadence.tolist() == [10 * MINUTE]


FIVE = (0, 1, 3, 7, 15)
DAYS_10 = 60 * 24 * 10


@pytest.mark.parametrize(("hours", "incidents"), [(25.9, 1), (26.1, 2)])
def test_without_a_cadence_a_gap_of_26_hours_ends_an_incident(hours: float, incidents: int) -> None:
    # Failures far apart: the typical interval exceeds the longest gap.
    starts = (0, DAYS_10, 2 * DAYS_10, 2 * DAYS_10 + 15 + 60 * hours)
    result = grouped([start + wait for start in starts for wait in FIVE])
    assert len(result.first) == 2 + incidents


def test_runs_that_succeeded_in_the_end_stay_separate() -> None:
    assert grouped([0, DAYS_10, DAYS_10 + 60 * 20, 2 * DAYS_10]).runs.tolist() == [1, 1, 1, 1]


def test_single_attempts_at_a_regular_interval_are_one_incident() -> None:
    daily = [DAYS_10 + 60 * 24 * day for day in range(4)]
    result = grouped([0, *daily, 3 * DAYS_10, 5 * DAYS_10, 7 * DAYS_10, 9 * DAYS_10, 11 * DAYS_10])
    assert max(result.runs) == 4


def test_two_hours_separate_one_storm_from_another() -> None:
    numbers = np.zeros(10, np.int64)
    moments = np.array([start + wait for start in (0, 600) for wait in FIVE], np.int64) * MINUTE
    apart = group(numbers, moments, np.repeat([1, 2], 5))
    assert apart.runs.tolist() == [1, 1]
    assert group(numbers, moments, np.repeat([1, 1], 5)).runs.tolist() == [2]


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
    assert classify(np.array([runs]), np.array([exhausted])).tolist() == [expected]
