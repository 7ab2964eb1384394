"""The retry policy: what a response means, and how long to wait before the next attempt.

Delays follow the Standard Webhooks specification (5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h),
each with 10 % jitter.
"""

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from typing import Protocol

from trail.core.model import Response, Verdict

DELAYS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
# The first attempt and one after each delay.
MAX_ATTEMPTS = len(DELAYS_S) + 1
_JITTER = 0.1
_MAX_DELAY_S = 86_400.0
_WHOLE_SECONDS = re.compile(r"[0-9]{1,9}")
# 4xx of the second group reject this message only; retrying it would not help.
_FINAL = {
    410: Verdict("gone", "The URL no longer exists (410 Gone)."),
    401: Verdict("unauthorised", "The credentials were not accepted (401)."),
    **{
        status: Verdict("rejected", f"The message was rejected ({status}).")
        for status in (400, 413, 414, 415, 422, 431)
    },
}


class Random(Protocol):
    """A source of randomness, such as `random.Random` or `secrets.SystemRandom`."""

    def uniform(self, a: float, b: float) -> float:
        """Return a number between *a* and *b*."""
        ...


def judge(response: Response) -> Verdict:
    """Return the verdict by HTTP status; a forwarder may know more about its service."""
    status = response.status
    if not status:
        return Verdict("retry", response.error or "No response.")
    if 200 <= status < 300:
        return Verdict("ok", f"Delivered ({status}).")
    if status in _FINAL:
        return _FINAL[status]
    if 300 <= status < 400:
        return Verdict("retry", f"Redirects are not followed ({status}).")
    text = "Rate limit reached (429)." if status == 429 else f"The service responded {status}."
    return Verdict("retry", text, retry_after_s(response))


def judge_batch(response: Response, number: int) -> list[Verdict]:
    """Return the verdicts of *number* messages in one request, as described in `model.Batching`.

    A failure applies to the first message, which the others wait for; a rejection of the content
    may apply to any of several messages.
    """
    verdict = judge(response)
    if verdict.kind == "ok":
        return [verdict] * number
    return [] if verdict.kind == "rejected" and number > 1 else [verdict]


def retry_after_s(response: Response) -> float | None:
    """Return the delay of `Retry-After` in seconds, clamped to 1 s to 24 h; None without one.

    RFC 9110, 10.2.3: whole seconds, or a date, which is compared with the response's own `Date` so
    that the local clock does not matter; without `Date` a date is ignored.
    """
    value = response.headers.get("retry-after", "").strip()
    if _WHOLE_SECONDS.fullmatch(value):
        return min(max(1.0, float(value)), _MAX_DELAY_S)
    until, since = _date(value), _date(response.headers.get("date", ""))
    if until is None or since is None:
        return None
    return min(max(1.0, (until - since).total_seconds()), _MAX_DELAY_S)


def delay_s(attempts: int, requested_s: float | None, random: Random) -> float | None:
    """Return the seconds to wait after *attempts*; None when none remain.

    A delay that the service requested is only ever lengthened by jitter.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    if requested_s is not None:
        return requested_s * (1 + random.uniform(0, _JITTER))
    return DELAYS_S[max(attempts, 1) - 1] * (1 + random.uniform(-_JITTER, _JITTER))


def _date(text: str) -> dt.datetime | None:
    try:
        timestamp = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=dt.UTC)
