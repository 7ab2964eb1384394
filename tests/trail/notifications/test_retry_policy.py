"""Retry delays and parsing of `Retry-After`."""

import random

import pytest

from trail.core.model import Response
from trail.notifications.retry_policy import DELAYS_S, MAX_ATTEMPTS, delay_s, judge, retry_after_s


def test_delays_follow_standard_webhooks_with_ten_percent_jitter() -> None:
    hours = [delay / 3600 for delay in DELAYS_S[3:]]
    assert DELAYS_S[:3] == (5, 300, 1800)
    assert hours == [2, 5, 10, 14, 20, 24]
    random_source = random.Random(5)
    for attempts, delay in enumerate(DELAYS_S, 1):
        response = [delay_s(attempts, None, random_source) or 0 for _ in range(200)]
        assert delay * 0.9 <= min(response) < delay < max(response) <= delay * 1.1
    assert delay_s(MAX_ATTEMPTS, None, random_source) is None
    assert delay_s(MAX_ATTEMPTS, 5, random_source) is None
    assert all(60 <= (delay_s(3, 60, random_source) or 0) <= 66 for _ in range(100))


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
def test_retry_after_is_parsed_strictly(header: str, date: str, seconds: float | None) -> None:
    response = Response(429, {"retry-after": header, "date": date})
    assert retry_after_s(response) == seconds
    assert judge(response).wait_s == seconds
