"""The digest of a week or a day: what changed, who is new, what is open, and whether data is whole.

It is data, which the page, the command, the API and the messages write in their own form. Every
number comes from the function that the linked page uses, so that both are equal.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from trail.attention import digest_activity, digest_state
from trail.attention.digest_parts import Line, Section
from trail.attention.digest_period import Cadence, Period
from trail.core.clock import naive_utc, utc_text
from trail.core.settings import Settings
from trail.events import counts
from trail.storage.engine import Engine

# What is about the present is left out of the digest of an earlier period than the last one.
_RECENT = dt.timedelta(days=7)

# A day is read to act on it, a week to look back.
_ORDER: dict[Cadence, tuple[str, ...]] = {
    "weekly": ("activity", "attention", "incidents", "findings", "people", "sources", "integrity"),
    "daily": ("attention", "activity", "incidents", "findings", "people", "sources", "integrity"),
}


@dataclass(frozen=True, slots=True)
class Digest:
    """The digest of `period`, made `at` (aware). `notices` say what is unknown or incomplete."""

    period: Period
    at: dt.datetime
    notices: tuple[Line, ...]
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        """Return the title: `Weekly digest: Mon 16 – Sun 22 Nov 2026`."""
        return f"{self.period.cadence.capitalize()} digest: {self.period.title}"

    def number(self, key: str) -> int | None:
        """Return the figure *key*, or None if the digest does not have it."""
        lines = (line for section in self.sections for line in section.lines)
        return next((line.number for line in lines if line.key == key), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the digest for JSON: times in ISO 8601 UTC, days as dates of the zone."""
        return {
            "title": self.title,
            "cadence": self.period.cadence,
            "from": self.period.first.isoformat(),
            "to": self.period.last.isoformat(),
            "tz": self.period.tz,
            "at": utc_text(self.at),
            "path": self.period.path,
            "notices": [line.to_dict() for line in self.notices],
            "sections": [section.to_dict() for section in self.sections],
        }


def digest(
    engine: Engine, settings: Settings, period: Period, now: dt.datetime, *, findings: bool
) -> Digest:
    """Return the digest of *period* at *now* (aware), with *findings* for readers who may see them.

    States, such as whether an incident is open, are those of *now*. A period without any event has
    no figures, since they could mean that nothing happened as well as that nothing was collected.
    """
    filter_ = period.filter
    events = counts.count(engine, filter_, now)
    happened = (
        []
        if not events
        else [
            digest_activity.activity(engine, filter_, now, events),
            digest_activity.incidents(engine, filter_, now, period.noun),
            *([digest_activity.findings(engine, filter_, now)] if findings else []),
            digest_activity.people(engine, filter_, now, period),
        ]
    )
    end = period.window(now).end
    assert end
    state = []
    if naive_utc(now) < end + _RECENT:
        state = [
            digest_state.needs_attention(engine, settings, period.zone, now, findings=findings),
            digest_state.sources(engine, settings, period, now),
            digest_state.integrity(engine, period, now),
        ]
    notices = digest_state.notices(engine, period, now, events)
    sections = [*happened, *state]
    sections.sort(key=lambda section: _ORDER[period.cadence].index(section.key))
    return Digest(period, now, notices, tuple(section for section in sections if section.lines))
