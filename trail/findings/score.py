"""Turn detector items into a score: weight, dampen, rank, and round so that sums are exact.

c = min(bits, 1.5 b_conf) * (risk+0.5)/10.5; the i-th largest counts c/i, eight at most.
b_conf = -log2((1 + items of the detector at least this large) / (1 + actor-days)), both over the
preceding 60 days. Points are whole tenths, so the score is exactly their sum (docs/detection.md,
Score).
"""

import bisect
import datetime as dt
import math
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MEMORY_DAYS = 60
_MAX_REASONS = 8
_SCALE = 10


@dataclass(frozen=True, slots=True)
class Item:
    """One detector's result for one actor's day."""

    day: dt.date
    actor_key: int
    detector: str
    bits: float
    risk: float
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Weighed:
    """An item and its points."""

    item: Item
    points: int


class Sizes:
    """The sizes of each detector's recent items; frequent large items dampen a detector."""

    def __init__(self, actor_days: Mapping[dt.date, int]) -> None:
        """Start empty; *actor_days* counts active actors by day."""
        self._actor_days = actor_days
        self._sorted: dict[str, list[float]] = defaultdict(list)
        self._days: deque[tuple[dt.date, list[tuple[str, float]]]] = deque()
        self._active = 0

    def add(self, day: dt.date, sizes: Iterable[tuple[str, float]]) -> None:
        """Add the items of *day*, which must follow all earlier days."""
        added = list(sizes)
        for detector, bits in added:
            bisect.insort(self._sorted[detector], bits)
        self._days.append((day, added))

    def advance_to(self, day: dt.date) -> None:
        """Drop items older than the memory; *day* is scored next."""
        oldest = day - dt.timedelta(days=MEMORY_DAYS)
        self._active = sum(n for when, n in self._actor_days.items() if oldest <= when < day)
        while self._days and self._days[0][0] < oldest:
            for detector, bits in self._days.popleft()[1]:
                sizes = self._sorted[detector]
                del sizes[bisect.bisect_left(sizes, bits)]

    def max_bits(self, detector: str, bits: float) -> float:
        """Return the most bits that an item may count on the scored day."""
        sizes = self._sorted[detector]
        larger = len(sizes) - bisect.bisect_left(sizes, bits)
        return max(0.0, -1.5 * math.log2((1 + larger) / (1 + self._active)))


def weigh(items: list[Item], sizes: Sizes) -> list[Weighed]:
    """Return the items of one actor's day that have points, highest first."""
    weights = sorted(
        (
            (
                min(item.bits, sizes.max_bits(item.detector, item.bits))
                * ((item.risk + 0.5) / 10.5),
                item,
            )
            for item in items
        ),
        key=lambda pair: (-pair[0], pair[1].detector, str(pair[1].row["facts"])),
    )
    ranked = [
        Weighed(item, round(_SCALE * weight / rank))
        for rank, (weight, item) in enumerate(weights[:_MAX_REASONS], 1)
    ]
    return [weighed for weighed in ranked if weighed.points > 0]
