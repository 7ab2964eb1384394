"""Open findings whose events will soon be past retention."""

import datetime as dt
from dataclasses import dataclass

from trail.core import time_labels
from trail.core.settings import Settings
from trail.findings import queries, reviews
from trail.storage.engine import Engine
from trail.storage.held_periods import day_held

SOON = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Expiring:
    """How many shown findings are open or need action, and when the first expires (UTC).

    `days` are the first and the last UTC day of their events, None without findings.
    """

    findings: int
    first: dt.date | None
    days: tuple[dt.date, dt.date] | None = None

    def title(self) -> str:
        """Return how many expire; empty if nothing expires."""
        if not self.first:
            return ""
        subject = "1 open finding expires"
        if self.findings > 1:
            subject = f"{self.findings:,} open findings expire"
        return f"{subject} within {SOON.days} days"

    def first_text(self) -> str:
        """Return when the first one expires; empty if nothing expires."""
        return f"the first on {time_labels.full_day(self.first)}" if self.first else ""

    def text(self) -> str:
        """Return it as a sentence; empty if nothing expires."""
        return f"{self.title()}, {self.first_text()}." if self.first else ""


def expiring(
    engine: Engine, settings: Settings, now: dt.datetime, shown: frozenset[str] | None = None
) -> Expiring:
    """Return the open findings that expire within `SOON` of *now* (aware), except days on hold.

    Those that the next run of retention removes are among them.

    *shown* are the ids of the findings within the review budget; computed here if omitted.
    """
    kept = dt.timedelta(days=settings.store.review_days)
    last = now.astimezone(dt.UTC).date() - kept + SOON
    rows = engine.table(
        "select finding_id, day from findings where list_contains($states, state) "
        "and reasons <> '[]' and day >= (select min(day) from folded) "
        f"and day < $last and not {day_held('day')} "
        "order by day",
        {
            "states": [reviews.OPEN, reviews.ACTION],
            "last": last,
        },
    ).to_pylist()
    if rows and shown is None:
        shown = queries.apply_budget(engine, now).shown
    days = [row["day"] for row in rows if row["finding_id"] in (shown or ())]
    if not days:
        return Expiring(0, None)
    first = max(days[0] + kept + dt.timedelta(days=1), now.astimezone(dt.UTC).date())
    return Expiring(len(days), first, (days[0], days[-1]))
