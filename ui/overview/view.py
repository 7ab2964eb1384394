"""What the parts of the Overview share: the window, what it counts, and what it compares with."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

from trail.core.clock import naive_utc, utc_text
from trail.events import counts, overview, periods, timeline
from trail.events.periods import By, Change, Comparison
from trail.storage.duckdb import Store
from trail.storage.filters import Filter, Window
from ui import known_time, url_state
from ui.known_time import Known
from ui.page import Context

# Parameters of the URL: the earlier period, and whether routine events and failures count too.
COMPARE, EVENTS = "compare", "events"
ALL = "all"


@dataclass(frozen=True)
class View:
    """The Overview of one run: `filter_` is its window, `counted` the events that it counts."""

    ctx: Context
    filter_: Filter
    counted: Filter
    window: Window
    comparison: Comparison

    @property
    def store(self) -> Store:
        """Return the store of what is counted, with the archived days as in Explore."""
        return self.ctx.store

    @property
    def database(self) -> Store:
        """Return the database alone, which findings and health are about."""
        return self.ctx.runtime.store

    @property
    def now(self) -> dt.datetime:
        """Return the moment (aware) of this run."""
        return self.ctx.now

    @property
    def changes_only(self) -> bool:
        """Return whether only changes are counted."""
        return self.counted != self.filter_

    @property
    def noun(self) -> str:
        """Return what is counted, in the plural."""
        return "changes" if self.changes_only else "events"

    @functools.cached_property
    def known(self) -> Known:
        """Return up to when it is known what happened."""
        return known_time.known(self.store, self.now, self.filter_)

    @functools.cached_property
    def grain(self) -> dt.timedelta:
        """Return the width of the bars over the window."""
        return overview.grain(self.window)

    @functools.cached_property
    def bars(self) -> list[tuple[timeline.Bar, dict[str, int]]]:
        """Return the bars of the window, each with what is counted, by category."""
        bars = timeline.by_category(self.store, self.counted, self.now, self.grain)
        return [(self._cut(bar), counted) for bar, counted in bars]

    def _cut(self, bar: timeline.Bar) -> timeline.Bar:
        """Return *bar* cut to the window; one that is running goes on."""
        start, end = self.window.start, self.window.end
        assert start and end
        is_running = end >= naive_utc(self.now)
        return replace(
            bar, start=max(bar.start, start), end=bar.end if is_running else min(bar.end, end)
        )

    @functools.cached_property
    def missing(self) -> str:
        """Return the sentence that data is missing, if at least a whole bar is; else nothing.

        For lists, that is what they say instead of that there are no events.
        """
        bars = [bar for bar, _ in self.bars]
        since = self.known.silent_since(bars)
        now = naive_utc(self.now)
        if since is None or not any(since <= bar.start < now for bar in bars):
            return ""
        return self.known.no_data_since(since, self.filter_.zone)

    @functools.cached_property
    def has_earlier(self) -> bool:
        """Return whether there are events before the window, so that something in it is new."""
        assert self.window.start
        earlier = Filter(end=utc_text(self.window.start))
        return counts.count(self.store, earlier, self.now) > 0

    @property
    def is_blank(self) -> bool:
        """Return whether nothing is known of the whole window."""
        return self.known.is_blank(self.window)

    def complete(self, values: list[int]) -> list[int]:
        """Return of *values*, one for each bar, those of whole bars that are over."""
        part = self.comparison.current
        if not part or not part.start or not part.end:
            return []
        return [
            value
            for (bar, _), value in zip(self.bars, values, strict=True)
            if part.start <= bar.start and bar.end <= part.end
        ]

    def within(self, start: dt.datetime, end: dt.datetime) -> Filter:
        """Return what is counted from *start* to *end* (UTC) within the window."""
        assert self.window.start and self.window.end
        first, last = max(start, self.window.start), min(end, self.window.end)
        return url_state.with_range(self.counted, first, last)

    def change(self, number: Callable[[Filter], int], filter_: Filter) -> Change:
        """Return how *number* of *filter_* changed from the earlier period, of complete bars."""
        comparison = self.comparison
        if comparison.reason:
            return comparison.change(0, 0)
        now, before = (
            number(periods.narrowed(filter_, window))
            for window in (comparison.current, comparison.before)
        )
        return comparison.change(now, before)

    def explore(self, filter_: Filter) -> str:
        """Return the address of *filter_* in Explore."""
        return url_state.address(url_state.EXPLORE, filter_)


def current(ctx: Context) -> View:
    """Return the view that the URL names."""
    filter_ = url_state.current_filter().cleared()
    store, now = ctx.store, ctx.now
    by: By = "day" if url_state.param(COMPARE) == "day" else "week"
    is_all = url_state.param(EVENTS) == ALL
    return View(
        ctx,
        filter_,
        filter_ if is_all else overview.changes(filter_),
        timeline.bounded(store, filter_.window(now), now),
        periods.compared(store, filter_, now, by),
    )
