"""What was checked for the list of what needs attention, as a sentence for an empty list."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from trail.core import time_labels
from trail.core.clock import naive_utc
from trail.core.settings import Settings
from trail.core.text import count
from trail.events import coverage
from trail.incidents import queries
from trail.ingest import source_health
from trail.integrity import seal_status
from trail.storage.engine import Engine
from trail.storage.filters import Filter


@dataclass(frozen=True, slots=True)
class Checked:
    """How many incidents and sources were checked, and whether the integrity was verified.

    `known_until` is the time (UTC without zone) up to which data is known, None without any.
    """

    incidents: int
    sources: int
    verified: bool
    known_until: dt.datetime | None

    def text(self, zone: ZoneInfo, now: dt.datetime) -> str:
        """Return it as a sentence about an empty list at *now* (aware), with times in *zone*."""
        if self.known_until is None:
            return "Unknown: no events have been collected yet."
        parts = [count(self.incidents, "incident"), count(self.sources, "source")]
        if self.verified:
            parts.append("the trail's integrity")
        checked = f"{', '.join(parts[:-1])} and {parts[-1]} were checked."
        if naive_utc(now) - self.known_until > coverage.LATE_AFTER:
            since = time_labels.short(self.known_until, zone, now)
            return (
                f"Unknown since {since}: no newer data. Nothing before needs attention; {checked}"
            )
        return f"Nothing needs attention. {checked}"


def checked(engine: Engine, settings: Settings, now: dt.datetime) -> Checked:
    """Return what `items` checks at *now* (aware)."""
    health = source_health.sources(engine, settings, naive_utc(now))
    return Checked(
        queries.summary(engine, Filter(), now).incidents,
        sum(source.state != "off" for source in health),
        seal_status.status(engine).ok is not None,
        coverage.known_until(engine, naive_utc(now)),
    )
