"""What an answer means, and when to try again: pure, so that a table of cases can prove it.

Waits are those of the Standard Webhooks specification (5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and
24 h after one another), each up to 10 % shorter or longer so that many do not come back together.
"""

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from typing import Protocol

from trail.model import Answer, Verdict

WAITS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
# The first try and one after each wait.
MOST_TRIES = len(WAITS_S) + 1
_JITTER = 0.1
_LONGEST_WAIT_S = 86_400.0
_WHOLE_SECONDS = re.compile(r"[0-9]{1,9}")
# The message itself is refused: sending it again changes nothing, and the next may well pass.
_FINAL = {
    410: Verdict("gone", "It answered that this address is gone for good (410)."),
    401: Verdict("unauthorised", "It does not accept the key (401)."),
    **{
        status: Verdict("rejected", f"It refused this message ({status}).")
        for status in (400, 413, 414, 415, 422, 431)
    },
}


class Random(Protocol):
    """Where chance comes from: `random.Random` and `secrets.SystemRandom` are such."""

    def uniform(self, a: float, b: float) -> float:
        """Return a number between *a* and *b*."""
        ...


def judge(answer: Answer) -> Verdict:
    """Return what *answer* means for a service that keeps to HTTP; forwarders may know more."""
    status = answer.status
    if not status:
        return Verdict("retry", answer.trouble or "There was no answer.")
    if 200 <= status < 300:
        return Verdict("ok", f"Taken ({status}).")
    if status in _FINAL:
        return _FINAL[status]
    if 300 <= status < 400:
        return Verdict("retry", f"It points elsewhere ({status}), which is not followed.")
    words = "It was asked too often (429)." if status == 429 else f"It answered {status}."
    return Verdict("retry", words, retry_after_s(answer))


def retry_after_s(answer: Answer) -> float | None:
    """Return the seconds that `Retry-After` asks for, between 1 s and 24 h; None without one.

    RFC 9110, 10.2.3: whole seconds, or a date, which is read against the answer's own `Date` so
    that a clock that is wrong here does not matter; without `Date` a date is not read.
    """
    said = answer.headers.get("retry-after", "").strip()
    if _WHOLE_SECONDS.fullmatch(said):
        return min(max(1.0, float(said)), _LONGEST_WAIT_S)
    until, since = _date(said), _date(answer.headers.get("date", ""))
    if until is None or since is None:
        return None
    return min(max(1.0, (until - since).total_seconds()), _LONGEST_WAIT_S)


def wait_s(tries: int, asked_s: float | None, random: Random) -> float | None:
    """Return the seconds to wait after so many *tries*; None when it has been tried enough.

    What the other side asked for is never cut short: there jitter only adds.
    """
    if tries >= MOST_TRIES:
        return None
    if asked_s is not None:
        return asked_s * (1 + random.uniform(0, _JITTER))
    return WAITS_S[max(tries, 1) - 1] * (1 + random.uniform(-_JITTER, _JITTER))


def _date(text: str) -> dt.datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
