"""Score how likely a change caused an incident that began shortly after it.

Formula: docs/detection.md, incidents, item 6: -log2(1 - exp(-rate x distance)) + risk / 3.
"""

import datetime as dt
import math

from trail.incidents.grouping import EXHAUSTED, STORM, TRANSIENT

LOOK_BACK = dt.timedelta(hours=24)
MOST_SHOWN = 3

# 5 bits at the rate of working hours: people make changes during a third of the day, and failures
# of what they change fall into the same hours.
_MIN_BITS = 5.0 + math.log2(3)
# Less than one in ten by chance.
_MODERATE_BITS = math.log2(10)
# A shorter history gives no reliable rate of changes.
_MIN_HISTORY_S = 14 * 86_400.0
_RISK_DIVISOR = 3.0
# Lower bounds of the history and of the distance in the formula.
_SHORTEST_HISTORY_S = 86_400.0
_SHORTEST_DISTANCE_S = 1.0


def mean_interval_s(changes: int, history_s: float) -> float:
    """Return the mean interval in seconds between *changes* in a history of *history_s* seconds."""
    return max(history_s, _SHORTEST_HISTORY_S) / max(changes, 1)


def surprise_bits(before_s: float, interval_s: float) -> float:
    """Return the surprise, in bits, of a change at most *before_s* seconds before a moment.

    *interval_s* is the mean interval between changes.
    """
    return -math.log2(-math.expm1(-max(before_s, _SHORTEST_DISTANCE_S) / interval_s))


def score(bits: float, risk: int) -> float:
    """Return the score that changes are ranked by: surprise in bits plus a third of the risk."""
    return bits + risk / _RISK_DIVISOR


def is_likely_cause(
    bits: float,
    before_s: float,
    class_: str,
    gap_s: int,
    history_s: float,
    *,
    is_open: bool,
    upstream: bool,
) -> bool:
    """Return whether a change may be called the likely cause of an incident.

    Requires more than 6.6 bits, not counting risk, and 14 days of history. A failure that ended by
    itself, or that hits many targets at once, is not attributed to one change; nor is an upstream
    change, or one further back than the incident's own gap between failures.
    """
    ended = class_ in (TRANSIENT, STORM) or (class_ == EXHAUSTED and not is_open)
    significant = bits > _MIN_BITS and history_s >= _MIN_HISTORY_S
    return significant and not upstream and not ended and before_s <= gap_s


def strength(bits: float, *, likely_cause: bool, upstream: bool) -> str:
    """Return the evidence as a word: strong, moderate or weak.

    Only a likely cause has strong evidence, and an upstream change never more than weak evidence.
    """
    if likely_cause:
        return "strong"
    return "moderate" if bits > _MODERATE_BITS and not upstream else "weak"


def chance_s(bits: float, incidents: int, history_s: float) -> float:
    """Return the mean time in seconds between coincidences as close by chance.

    The mean interval between *incidents* in a history of *history_s* seconds, divided by the
    probability that a change falls as close before one of them.
    """
    return mean_interval_s(incidents, history_s) * 2**bits
