"""A finding and its reasons."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a finding is one: what found it, its whole points, and words with their numbers.

    `facts` are the numbers behind the words; `actions`, `since` and `upto` choose its evidence
    among the actor's events (UTC, without zone, included).
    """

    detector: str
    points: int
    text: str
    facts: dict[str, Any] = field(default_factory=dict)
    actions: tuple[str, ...] | None = None
    since: dt.datetime | None = None
    upto: dt.datetime | None = None

    def said(self) -> dict[str, Any]:
        """Return what the command and the API say of it."""
        return {"detector": self.detector, "points": self.points, "text": self.text}


@dataclass(frozen=True, slots=True)
class Finding:
    """One actor's UTC day that is unusual: the score is the sum of the reasons' points."""

    finding_id: str
    day: dt.date
    actor_id: str
    actor_type: str
    score: int
    reasons: tuple[Reason, ...]
    state: str = "open"
    risk_version: int = 0

    def said(self, event_ids: list[str]) -> dict[str, Any]:
        """Return what the command and the API say of it."""
        return {
            "finding_id": self.finding_id,
            "day": self.day.isoformat(),
            "actor_id": self.actor_id,
            "score": self.score,
            "reasons": [reason.said() for reason in self.reasons],
            "event_ids": event_ids,
            "state": self.state,
            "risk_version": self.risk_version,
        }
