"""Surprise of a change computed by hand, and when it is called a likely cause."""

import math

import pytest

from trail.incidents import cause_score

DAY = 86_400.0


def test_surprise_follows_the_formula() -> None:
    expected = -math.log2(1 - math.exp(-720 / (19 * DAY)))
    assert cause_score.surprise_bits(720, 19 * DAY) == pytest.approx(expected)
    assert cause_score.surprise_bits(0, DAY) == cause_score.surprise_bits(1, DAY)


def test_risk_affects_ranking_but_not_likely_cause() -> None:
    assert cause_score.score(4.0, 9) == 7.0
    assert not cause_score.is_likely_cause(
        6.5, 60, "persistent", 7_200, 30 * DAY, is_open=True, upstream=False
    )


def test_no_likely_cause_within_the_first_two_weeks() -> None:
    assert not cause_score.is_likely_cause(
        20, 60, "persistent", 7_200, 13 * DAY, is_open=True, upstream=False
    )


def test_a_short_history_counts_as_one_day() -> None:
    assert cause_score.mean_interval_s(1, 60) == DAY
    assert cause_score.mean_interval_s(0, 2 * DAY) == 2 * DAY


@pytest.mark.parametrize(
    ("class_", "is_open", "before_s", "upstream", "expected"),
    [
        ("persistent", True, 720, False, True),
        ("retries exhausted", True, 720, False, True),
        ("persistent", True, 720, True, False),
        ("persistent", True, 7_201, False, False),
        ("transient", True, 720, False, False),
        ("persistent", False, 720, False, True),
        ("retries exhausted", False, 720, False, False),
        ("storm", True, 720, False, False),
    ],
)
def test_likely_cause(
    class_: str, is_open: bool, before_s: float, upstream: bool, expected: bool
) -> None:
    result = cause_score.is_likely_cause(
        9.0, before_s, class_, 7_200, 30 * DAY, is_open=is_open, upstream=upstream
    )
    assert result is expected
