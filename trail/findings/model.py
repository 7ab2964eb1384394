"""A finding and its reasons."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from trail.findings import detector_titles, moments

UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a finding: its detector, its points and a sentence with figures.

    `text` is the sentence and `headline` what the title says of it, both with times as marks (see
    `moments`). `facts` are the figures; `actions`, `since` and `upto` (UTC, without zone,
    inclusive) select the evidence among the actor's events.
    """

    detector: str
    points: int
    text: str
    facts: dict[str, Any] = field(default_factory=dict)
    actions: tuple[str, ...] | None = None
    since: dt.datetime | None = None
    upto: dt.datetime | None = None
    headline: str = ""

    def sentence(
        self, zone: ZoneInfo = UTC, now: dt.datetime | None = None, *, weekdays: bool = False
    ) -> str:
        """Return the sentence with times in *zone*; days as in `moments.in_zone`."""
        return moments.in_zone(self.text, zone, now, weekdays=weekdays)

    def to_dict(self, zone: ZoneInfo = UTC, now: dt.datetime | None = None) -> dict[str, Any]:
        """Return the reason as in JSON output, with times in *zone*."""
        return {
            "detector": self.detector,
            "title": detector_titles.of(self.detector),
            "points": self.points,
            "text": self.sentence(zone, now),
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """An actor's unusual UTC day; the score is the sum of the reasons' points."""

    finding_id: str
    day: dt.date
    actor_id: str
    actor_type: str
    score: int
    reasons: tuple[Reason, ...]
    state: str = "open"
    risk_version: int = 0

    @property
    def began_at(self) -> dt.datetime:
        """Return when the first of what was observed on its day happened, UTC without zone.

        It falls on the day of the viewer that the title names, which `day` need not be. Midnight
        for a finding of an earlier version, which did not store what was observed.
        """
        midnight = dt.datetime.combine(self.day, dt.time())
        times = (
            dt.datetime.fromisoformat(seen[end])
            for reason in self.reasons
            for seen in reason.facts.get("seen", ())
            for end in ("first", "last")
        )
        # A reason may have begun on an earlier day.
        return min((at for at in times if at >= midnight), default=midnight)

    def began_at_in(self, zone: ZoneInfo) -> dt.datetime:
        """Return `began_at` in *zone* (aware)."""
        return self.began_at.replace(tzinfo=dt.UTC).astimezone(zone)

    def to_dict(
        self, event_ids: list[str], zone: ZoneInfo = UTC, now: dt.datetime | None = None
    ) -> dict[str, Any]:
        """Return the finding as in JSON output, with times in *zone*."""
        return {
            "finding_id": self.finding_id,
            "day": self.day.isoformat(),
            "actor_id": self.actor_id,
            "score": self.score,
            "reasons": [reason.to_dict(zone, now) for reason in self.reasons],
            "event_ids": event_ids,
            "state": self.state,
            "risk_version": self.risk_version,
        }
