"""How many findings a day a reviewer is shown: a threshold from the days before, never the future.

docs/detection.md, Budget: a day's threshold is the score that would have given N a day over the
28 days before; at most 3N on one day. Whoever was shown in the last two days comes back only with
more than 1.5 times that score; else the day is folded into the finding that is shown. What would
have been folded costs a reviewer nothing, so it does not count when the threshold is set.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

DEFAULT_A_DAY = 3
WARM_UP_DAYS = 5

_WINDOW_DAYS = 28
_CAP = 3
_COOL_DOWN_DAYS = 2
_COME_BACK = 1.5


@dataclass(frozen=True, slots=True)
class Scored:
    """What the budget looks at."""

    finding_id: str
    day: dt.date
    actor_id: str
    score: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What the budget lets through, what it folds into what, and each day's threshold.

    Days in `thresholds` have one; days before `first_day` were warm-up and show nothing.
    """

    shown: frozenset[str]
    folded: dict[str, str]
    thresholds: dict[dt.date, int]
    first_day: dt.date | None

    def said(self) -> str:
        """Return in words from when on anything is shown."""
        if self.first_day is None:
            return "Nothing has been recorded yet."
        return (
            f"The first {WARM_UP_DAYS} days are learnt from and show nothing; findings are shown "
            f"from {self.first_day.isoformat()} on. Until 28 days are known, thresholds rest on "
            "fewer."
        )


def judge(
    found: Iterable[Scored], opened: dt.date | None, until: dt.date, a_day: float = DEFAULT_A_DAY
) -> Judged:
    """Return what *a_day* findings a day let through, of days from *opened* to *until*.

    *opened* is the first day with any event; a day without findings counts too. Each day is judged
    as at its end.
    """
    if opened is None or a_day <= 0:
        return Judged(frozenset(), {}, {}, None)
    by_day: dict[dt.date, list[Scored]] = defaultdict(list)
    for each in found:
        by_day[each.day].append(each)
    first = opened + dt.timedelta(days=WARM_UP_DAYS)
    counted = _counted(by_day)
    shown: set[str] = set()
    folded: dict[str, str] = {}
    thresholds: dict[dt.date, int] = {}
    latest: dict[str, Scored] = {}
    day = first
    while day <= until:
        thresholds[day] = _threshold(counted, opened, day, a_day)
        room = max(1, int(_CAP * a_day))
        for each in sorted(by_day.get(day, []), key=lambda s: (-s.score, s.actor_id)):
            if each.score < thresholds[day]:
                break
            before = latest.get(each.actor_id)
            if before and _folds(before, each):
                folded[each.finding_id] = before.finding_id
            elif room:
                room -= 1
                shown.add(each.finding_id)
                latest[each.actor_id] = each
        day += dt.timedelta(days=1)
    return Judged(frozenset(shown), folded, thresholds, first)


def _folds(before: Scored, each: Scored) -> bool:
    """Return whether the actor's later day says too little new to be shown by itself."""
    near = (each.day - before.day).days <= _COOL_DOWN_DAYS
    return near and each.score <= _COME_BACK * before.score


def _counted(by_day: dict[dt.date, list[Scored]]) -> dict[dt.date, list[int]]:
    """Return the scores of each day that would be shown by themselves if all were let through."""
    counted: dict[dt.date, list[int]] = defaultdict(list)
    latest: dict[str, Scored] = {}
    for day in sorted(by_day):
        for each in by_day[day]:
            before = latest.get(each.actor_id)
            if not (before and _folds(before, each)):
                counted[day].append(each.score)
                latest[each.actor_id] = each
    return counted


def _threshold(
    counted: dict[dt.date, list[int]], opened: dt.date, day: dt.date, a_day: float
) -> int:
    """Return the lowest score that is shown on *day*; 1 where the days before had fewer."""
    days = min(_WINDOW_DAYS, (day - opened).days)
    scores = sorted(
        (
            score
            for back in range(1, days + 1)
            for score in counted.get(day - dt.timedelta(days=back), [])
        ),
        reverse=True,
    )
    place = int(a_day * days)
    return scores[place - 1] if 0 < place <= len(scores) else 1
