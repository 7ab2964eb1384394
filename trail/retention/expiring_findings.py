"""Findings that are still open when their events leave the kept days: told before it is too late.

Separate from `reviews`, which knows nothing of retention; pages and commands count the same here.
"""

import datetime as dt
from dataclasses import dataclass

from trail.core.settings import Settings
from trail.findings import queries, reviews
from trail.retention import policy
from trail.storage.database import Engine

SOON = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Leaving:
    """How many of the shown findings are open or need action, and when the first leaves (UTC)."""

    findings: int
    first: dt.date | None

    def said(self) -> str:
        """Return it in a sentence, or '' where nothing is open."""
        if not self.findings:
            return ""
        what = "1 finding that is" if self.findings == 1 else f"{self.findings:,} findings that are"
        return f"{what} not done yet will leave within {SOON.days} days, the first on {self.first}."


def leaving(
    engine: Engine, settings: Settings, now: dt.datetime, shown: frozenset[str] | None = None
) -> Leaving:
    """Return what leaves within `SOON` of *now* (aware) without an end.

    *shown* are the ids of the findings that the budget lets through; judged here when not given.
    """
    edge = policy.cutoff(settings, now).date()
    rows = engine.table(
        "select finding_id, day from findings where list_contains($states, state) "
        "and reasons <> '[]' and day >= $first and day < $last order by day",
        {
            "states": [reviews.OPEN, reviews.ACTION],
            "first": edge,
            "last": edge + SOON,
        },
    ).to_pylist()
    if rows and shown is None:
        shown = queries.apply_budget(engine, now).shown
    days = [row["day"] for row in rows if row["finding_id"] in (shown or ())]
    kept = dt.timedelta(days=settings.store.retention_days + 1)
    return Leaving(len(days), days[0] + kept if days else None)
