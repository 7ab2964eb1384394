"""The review budget: how many findings are shown per day, decided from earlier days only.

A day's threshold is the score that would have shown N findings a day over the preceding 28 days; at
most 3N are shown on one day. An actor shown in the last two days is shown again only with more than
1.5 times that score; otherwise the day is folded into the finding already shown. Folded days do not
count toward the threshold. Severe findings need no threshold, come first, and are folded only into
severe ones. See docs/detection.md, Budget.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from trail.core import time_labels
from trail.findings import severity

DEFAULT_PER_DAY = 3
WARM_UP_DAYS = 5

_WINDOW_DAYS = 28
_MAX_FACTOR = 3
_COOL_DOWN_DAYS = 2
_RESHOW_FACTOR = 1.5


@dataclass(frozen=True, slots=True)
class Scored:
    """The part of a finding that the budget depends on."""

    finding_id: str
    day: dt.date
    actor_id: str
    score: int
    severe: bool = False


@dataclass(frozen=True, slots=True)
class BudgetResult:
    """The ids shown, the ids folded (into which finding), and each day's threshold.

    Days before `first_day` are warm-up: they show nothing and have no threshold.
    """

    shown: frozenset[str]
    folded: dict[str, str]
    thresholds: dict[dt.date, int]
    first_day: dt.date | None

    def status_text(self) -> str:
        """Return a sentence about the day from which findings are shown."""
        if self.first_day is None:
            return "No events recorded yet."
        first = time_labels.full_day(self.first_day)
        return (
            f"Findings are shown from {first}, after {WARM_UP_DAYS} days of learning. "
            "Until 28 days are recorded, thresholds are based on fewer days."
        )


def scored_sql() -> str:
    """Return the SELECT of the columns of `Scored`, in order, from the stored findings."""
    severe = severity.severe_sql()
    return f"select finding_id, day, actor_id, score, {severe} as severe from findings"


def size(result: BudgetResult) -> int:
    """Return about how many bytes *result* takes."""
    return 200 * (len(result.shown) + 2 * len(result.folded) + len(result.thresholds))


def apply_budget(
    findings: Iterable[Scored],
    first_recorded: dt.date | None,
    until: dt.date,
    per_day: float = DEFAULT_PER_DAY,
) -> BudgetResult:
    """Return which findings are shown with *per_day* findings a day, for days up to *until*.

    *first_recorded* is the first day with any event; days without findings count, too. Each day is
    evaluated as of its end.
    """
    if first_recorded is None or per_day <= 0:
        return BudgetResult(frozenset(), {}, {}, None)
    by_day: dict[dt.date, list[Scored]] = defaultdict(list)
    for finding in findings:
        by_day[finding.day].append(finding)
    first = first_recorded + dt.timedelta(days=WARM_UP_DAYS)
    unfolded = _unfolded_scores(by_day)
    shown: set[str] = set()
    folded: dict[str, str] = {}
    thresholds: dict[dt.date, int] = {}
    latest: dict[str, Scored] = {}
    day = first
    while day <= until:
        thresholds[day] = _threshold(unfolded, first_recorded, day, per_day)
        remaining = max(1, int(_MAX_FACTOR * per_day))
        ranked = sorted(by_day.get(day, []), key=lambda s: (not s.severe, -s.score, s.actor_id))
        for finding in ranked:
            if finding.score < thresholds[day] and not finding.severe:
                break
            before = latest.get(finding.actor_id)
            if before and _is_folded(before, finding):
                folded[finding.finding_id] = before.finding_id
            elif remaining:
                remaining -= 1
                shown.add(finding.finding_id)
                latest[finding.actor_id] = finding
        day += dt.timedelta(days=1)
    return BudgetResult(frozenset(shown), folded, thresholds, first)


def _is_folded(before: Scored, finding: Scored) -> bool:
    """Return whether *finding* is folded into the actor's earlier finding *before*."""
    recent = (finding.day - before.day).days <= _COOL_DOWN_DAYS
    graver = finding.severe and not before.severe
    return recent and not graver and finding.score <= _RESHOW_FACTOR * before.score


def _unfolded_scores(by_day: dict[dt.date, list[Scored]]) -> dict[dt.date, list[int]]:
    """Return the scores per day that would be shown separately without a threshold."""
    unfolded: dict[dt.date, list[int]] = defaultdict(list)
    latest: dict[str, Scored] = {}
    for day in sorted(by_day):
        for finding in by_day[day]:
            before = latest.get(finding.actor_id)
            if not (before and _is_folded(before, finding)):
                unfolded[day].append(finding.score)
                latest[finding.actor_id] = finding
    return unfolded


def _threshold(
    unfolded: dict[dt.date, list[int]], first_recorded: dt.date, day: dt.date, per_day: float
) -> int:
    """Return the lowest score shown on *day*; 1 where the earlier days had fewer findings."""
    days = min(_WINDOW_DAYS, (day - first_recorded).days)
    scores = sorted(
        (
            score
            for age in range(1, days + 1)
            for score in unfolded.get(day - dt.timedelta(days=age), [])
        ),
        reverse=True,
    )
    rank = int(per_day * days)
    return scores[rank - 1] if 0 < rank <= len(scores) else 1
