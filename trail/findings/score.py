"""From a detector's items to a score: weighed, muted, ordered, and rounded so that sums are exact.

docs/detection.md, Score: c = min(bits, 1.5 b_conf) * (risk+0.5)/10.5, the i-th largest
counts c/i, eight at most. b_conf = -log2((1 + items of the detector at least this large) / (1 +
actor-days)), both over the 60 days before. Points are tenths of that, whole, so
that the score, being their sum, is what a reader adds up.
"""

import bisect
import datetime as dt
import math
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MEMORY_DAYS = 60
_MOST_REASONS = 8
_SCALE = 10


@dataclass(frozen=True, slots=True)
class Item:
    """What one detector says of one actor's day."""

    day: dt.date
    actor_key: int
    detector: str
    bits: float
    risk: float
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Weighed:
    """An item with the points that it adds."""

    item: Item
    points: int


class Sizes:
    """How large a detector's items were in the days before: what it is muted by."""

    def __init__(self, actor_days: Mapping[dt.date, int]) -> None:
        """Begin with nothing; *actor_days* counts active actors by day."""
        self._actor_days = actor_days
        self._sorted: dict[str, list[float]] = defaultdict(list)
        self._days: deque[tuple[dt.date, list[tuple[str, float]]]] = deque()
        self._active = 0

    def add(self, day: dt.date, sizes: Iterable[tuple[str, float]]) -> None:
        """Remember the items of *day*, which comes after all days so far."""
        kept = list(sizes)
        for detector, bits in kept:
            bisect.insort(self._sorted[detector], bits)
        self._days.append((day, kept))

    def turn_to(self, day: dt.date) -> None:
        """Forget what is too long before *day*, which is judged next."""
        edge = day - dt.timedelta(days=MEMORY_DAYS)
        self._active = sum(n for when, n in self._actor_days.items() if edge <= when < day)
        while self._days and self._days[0][0] < edge:
            for detector, bits in self._days.popleft()[1]:
                sizes = self._sorted[detector]
                del sizes[bisect.bisect_left(sizes, bits)]

    def most_bits(self, detector: str, bits: float) -> float:
        """Return how many bits of an item count on the day that is judged, at most."""
        sizes = self._sorted[detector]
        larger = len(sizes) - bisect.bisect_left(sizes, bits)
        return max(0.0, -1.5 * math.log2((1 + larger) / (1 + self._active)))


def weigh(items: list[Item], sizes: Sizes) -> list[Weighed]:
    """Return the items of one actor's day with their points, most first; none without points."""
    weights = sorted(
        (
            (
                min(item.bits, sizes.most_bits(item.detector, item.bits))
                * ((item.risk + 0.5) / 10.5),
                item,
            )
            for item in items
        ),
        key=lambda pair: (-pair[0], pair[1].detector, str(pair[1].row["facts"])),
    )
    found = [
        Weighed(item, round(_SCALE * weight / place))
        for place, (weight, item) in enumerate(weights[:_MOST_REASONS], 1)
    ]
    return [each for each in found if each.points > 0]
