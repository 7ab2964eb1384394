"""Waits and `Retry-After`, as pure functions."""

import random

import pytest

from trail.core.model import Response
from trail.notifications.retry_policy import DELAYS_S, MAX_ATTEMPTS, delay_s, judge, retry_after_s


def test_the_table_is_the_standards_with_a_tenth_of_jitter() -> None:
    hours = [wait / 3600 for wait in DELAYS_S[3:]]
    assert DELAYS_S[:3] == (5, 300, 1800)
    assert hours == [2, 5, 10, 14, 20, 24]
    chance = random.Random(5)
    for tries, wait in enumerate(DELAYS_S, 1):
        result = [delay_s(tries, None, chance) or 0 for _ in range(200)]
        assert wait * 0.9 <= min(result) < wait < max(result) <= wait * 1.1
    assert delay_s(MAX_ATTEMPTS, None, chance) is None
    assert delay_s(MAX_ATTEMPTS, 5, chance) is None
    assert all(60 <= (delay_s(3, 60, chance) or 0) <= 66 for _ in range(100))


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        ("120", "", 120),
        ("0", "", 1),
        (" 7 ", "", 7),
        ("999999999", "", 86_400),
        ("Tue, 24 Nov 2026 10:05:00 GMT", "Tue, 24 Nov 2026 10:00:00 GMT", 300),
        ("Tue, 24 Nov 2026 09:00:00 GMT", "Tue, 24 Nov 2026 10:00:00 GMT", 1),
        ("Tue, 24 Nov 2026 10:05:00 GMT", "", None),
        ("Tue, 24 Nov 9999999 10:05:00 GMT", "Tue, 24 Nov 2026 10:00:00 GMT", None),
        ("soon", "", None),
        ("-5", "", None),
        ("1.5", "", None),
        ("٣", "", None),
        ("", "", None),
    ],
)
def test_retry_after_is_read_strictly(header: str, date: str, seconds: float | None) -> None:
    result = Response(429, {"retry-after": header, "date": date})
    assert retry_after_s(result) == seconds
    assert judge(result).wait_s == seconds
