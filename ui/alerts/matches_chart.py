"""The matches of a rule per day, as bars; a click opens the events of those days."""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from trail.core.errors import TrailError
from trail.events.timeline import Bar
from trail.storage.filters import Filter
from ui import charts, url_state
from ui.components.time_chart import time_chart

_UTC = ZoneInfo("UTC")
_DAY = dt.timedelta(days=1)


def draw(days: Sequence[tuple[dt.date, int]], query: str, key: str, height: int) -> None:
    """Draw the matches of UTC *days* in *height* px; *query* is the filter of the rule."""
    starts = [dt.datetime.combine(day, dt.time()) for day, _ in days]
    counts = [matches for _, matches in days]
    bars = [Bar(at, at + _DAY, count) for at, count in zip(starts, counts, strict=True)]
    chart = charts.bars_over_time("Matches per day", bars, _UTC, (), height=height, most_labels=4)
    chart["series"] = [{"name": "Matches", "square": "", "counts": counts}]
    chart["click"] = True

    def open_days(start: dt.datetime, end: dt.datetime) -> None:
        try:
            filter_ = Filter.parse(query.lstrip("?"))
        except TrailError:  # of a rule of an earlier version; its row says what is wrong
            return
        url_state.open_page(url_state.EXPLORE, url_state.with_range(filter_, start, end))

    time_chart(chart, key, open_days)
