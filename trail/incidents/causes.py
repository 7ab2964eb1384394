"""What changed before: how surprising a change is so close to an onset, and when it is blamed.

Pure. docs/detection.md, incidents, item 6: score = -log2(1 - exp(-rate x distance)) + risk / 3.
Nothing upstream is ever blamed, since without a link the first of fifty candidates is right once
in twenty.
"""

import datetime as dt
import math

from trail.incidents.grouping import EXHAUSTED, STORM, TRANSIENT

LOOK_BACK = dt.timedelta(hours=24)
MOST_SHOWN = 3

# 5 bits, at the rate of working hours: people change things in a third of the day, and
# what they change fails in the same hours.
_BLAME_BITS = 5.0 + math.log2(3)
# Before so much of a trail is known, no rate of changes is; low and slow starts then as well.
_COLD_S = 14 * 86_400.0
_RISK_SHARE = 3.0
# Of a trail that has only begun nothing is known about how often things change.
_SHORTEST_TRAIL_S = 86_400.0
# Closer than this is at once: no rate is known that finely.
_AT_ONCE_S = 1.0


def every_s(changes: int, trail_s: float) -> float:
    """Return the mean interval in seconds of so many *changes* in a trail of *trail_s* seconds."""
    return max(trail_s, _SHORTEST_TRAIL_S) / max(changes, 1)


def bits(before_s: float, every: float) -> float:
    """Return the surprise that a change lies at most *before_s* before a moment by chance.

    *every* is the mean interval between changes; both are in seconds.
    """
    return -math.log2(-math.expm1(-max(before_s, _AT_ONCE_S) / every))


def score(surprise: float, risk: int) -> float:
    """Return what changes are ranked by: the surprise in bits, and a third of the risk."""
    return surprise + risk / _RISK_SHARE


def blamed(
    surprise: float,
    before_s: float,
    class_: str,
    gap_s: int,
    trail_s: float,
    *,
    is_open: bool,
    upstream: bool,
) -> bool:
    """Return whether a change may be called the cause of an incident.

    Only above 6.6 bits, the risk not counted, and after 14 days of trail. What went away by itself,
    or hits many at once, was not caused by one change; and a change that lies further back than the
    incident's own rhythm would have shown earlier.
    """
    passed = class_ in (TRANSIENT, STORM) or (class_ == EXHAUSTED and not is_open)
    known = surprise > _BLAME_BITS and trail_s >= _COLD_S
    return known and not upstream and not passed and before_s <= gap_s
