"""The surprise of a change, by hand, and what may be blamed."""

import math

import pytest

from trail.incidents import causes

DAY = 86_400.0


def test_bits_are_those_of_the_formula() -> None:
    expected = -math.log2(1 - math.exp(-720 / (19 * DAY)))
    assert causes.bits(720, 19 * DAY) == pytest.approx(expected)
    assert causes.bits(0, DAY) == causes.bits(1, DAY)


def test_risk_ranks_and_is_not_blamed() -> None:
    assert causes.score(4.0, 9) == 7.0
    assert not causes.blamed(6.5, 60, "persistent", 7_200, 30 * DAY, is_open=True, upstream=False)


def test_nothing_is_blamed_in_a_trail_of_two_weeks() -> None:
    assert not causes.blamed(20, 60, "persistent", 7_200, 13 * DAY, is_open=True, upstream=False)


def test_a_trail_that_has_begun_knows_no_rate() -> None:
    assert causes.every_s(1, 60) == DAY
    assert causes.every_s(0, 2 * DAY) == 2 * DAY


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
def test_blame(class_: str, is_open: bool, before_s: float, upstream: bool, expected: bool) -> None:
    found = causes.blamed(
        9.0, before_s, class_, 7_200, 30 * DAY, is_open=is_open, upstream=upstream
    )
    assert found is expected
