"""What charts say about time that is not over, or from which no data has arrived."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from trail.core.clock import naive_utc
from trail.events import coverage
from trail.events.timeline import Bar
from trail.storage.engine import Engine
from trail.storage.filters import Filter, Window
from ui import text

SO_FAR = "so far"
NO_DATA_YET = "No data yet"
_SHORTEST_DAY = dt.timedelta(hours=23)


@dataclass(frozen=True, slots=True)
class Known:
    """Up to when it is known what happened (`until`, None without any data), as of `now`.

    Both are UTC without zone. `behind` are the workspaces that are known for less long than others.
    """

    until: dt.datetime | None
    now: dt.datetime
    behind: tuple[str, ...] = ()

    @property
    def is_late(self) -> bool:
        """Return whether the newest data is older than polls that take turns leave it."""
        return self.until is not None and self.now - self.until >= coverage.LATE_AFTER

    def is_blank(self, window: Window) -> bool:
        """Return whether nothing is known of *window*."""
        return bool(self.until and window.start and self.until <= window.start)

    def silent_since(self, bars: Sequence[Bar]) -> dt.datetime | None:
        """Return the end of the data if it is late for *bars* and they go on after it, else None.

        Bars of days allow an hour without data, shorter ones a quarter of an hour.
        """
        if self.until is None or not bars or self.until >= bars[-1].end:
            return None
        days = bars[-1].end - bars[-1].start >= _SHORTEST_DAY
        patience = coverage.LATE_AFTER_WITH_DAYS if days else coverage.LATE_AFTER
        late = self.now - self.until >= patience
        return self.until if late and bars[0].start < self.now else None

    def no_data_since(self, since: dt.datetime, zone: ZoneInfo) -> str:
        """Return the sentence for the time after *since* (UTC): `No data since Thu 19 Nov 02:10`.

        It names the workspaces without data, if others have some.
        """
        which = f" from {' and '.join(self.behind)}" if self.behind else ""
        return f"No data{which} since {text.short_timestamp(since, zone)}"

    def running(self, bars: Sequence[Bar]) -> int | None:
        """Return the index of the bar that is not over, if its data arrives, else None."""
        if self.silent_since(bars) is not None:
            return None
        places = (at for at, bar in enumerate(bars) if bar.start < self.now < bar.end)
        return next(places, None)

    def notes(self, bars: Sequence[Bar], zone: ZoneInfo) -> dict[int, str]:
        """Return by index what to say of those *bars* that are not over or lack data."""
        since = self.silent_since(bars)
        if since is not None:
            missing = self.no_data_since(since, zone)
            late = (at for at, bar in enumerate(bars) if since < bar.end and bar.start < self.now)
            return dict.fromkeys(late, missing[0].lower() + missing[1:])
        running = self.running(bars)
        return {} if running is None else {running: SO_FAR}


def known(engine: Engine, now: dt.datetime, filter_: Filter | None = None) -> Known:
    """Return what is known at *now* (aware), of the workspaces that *filter_* chooses."""
    moment = naive_utc(now)
    of = (filter_ or Filter()).choice("workspace")
    behind = coverage.behind(engine, moment, of)
    return Known(coverage.known_until(engine, moment, of), moment, behind)
