"""Which hours and days were collected, so that their counts mean what they say.

A period counts as collected from the day of the first event on, up to the last data, and outside of
the gaps between. Times are UTC without zone.
"""

import bisect
import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from trail.events import coverage, timeline
from trail.events.covering_groups import ALL
from trail.storage.engine import Engine
from trail.storage.filters import Choice, Window

# A larger share of a period without collection makes its count too low to compare.
MAX_GAP_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Covered:
    """What was collected of a window: from `begins` to `until`, without the gaps.

    `oldest` is the hour of the first event. All three are None without events.
    """

    oldest: dt.datetime | None
    begins: dt.datetime | None
    until: dt.datetime | None
    gaps: tuple[coverage.Span, ...]

    def missing(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        """Return how much of [start, end) falls into gaps."""
        first = max(bisect.bisect(self.gaps, start, key=lambda gap: gap.start) - 1, 0)
        result = dt.timedelta()
        for gap in self.gaps[first:]:
            if gap.start >= end:
                break
            result += max(min(gap.end, end) - max(gap.start, start), dt.timedelta())
        return result

    def covers(self, start: dt.datetime, end: dt.datetime) -> bool:
        """Return whether [start, end) is over and was collected, but for a negligible part."""
        if self.begins is None or self.until is None or start < self.begins or end > self.until:
            return False
        return self.missing(start, end) <= MAX_GAP_SHARE * (end - start)

    def is_unknown(self, start: dt.datetime, end: dt.datetime) -> bool:
        """Return whether it is not known what happened in more than half of [start, end).

        That is the time before the first data, after the last, and in gaps. A period that is not
        over ends at the present.
        """
        if self.begins is None or self.until is None:
            return True
        first, last = max(start, self.begins), min(end, self.until)
        known = max(last - first, dt.timedelta()) - self.missing(first, last)
        return known * 2 < end - start


def covered(
    engine: Engine, window: Window, now: dt.datetime, zone: ZoneInfo, of: Choice = ALL
) -> Covered:
    """Return what was collected of *window* (both ends set), as of *now* (UTC without zone).

    Of several workspaces, only those *of* a filter count.
    """
    assert window.start and window.end
    first = engine.table("select min(hour) as first from cube where not future_dated")
    oldest = first["first"][0].as_py()
    begins = None
    if oldest is not None:
        # The first day counts as a whole: nobody knows when in it collection began.
        local = oldest.replace(tzinfo=dt.UTC).astimezone(zone)
        begins = timeline.midnight(local.date(), zone)
    spans = coverage.spans(engine, window.start, window.end, of)
    gaps = tuple(span for span in spans if span.state == "gap")
    return Covered(oldest, begins, coverage.known_until(engine, now, of), gaps)
