"""Where the seals stand, for a badge: sealed up to when, last verified when, and what was found.

Separate because pages ask it on every visit: it reads two rows and hashes nothing.
"""

import datetime as dt
import json
from dataclasses import asdict, dataclass

from trail import marks
from trail.filters import Window
from trail.seals import chain
from trail.seals.checking import Report
from trail.seals.history import Problem
from trail.store import Engine, Store

MARK = "seals.verified"


@dataclass(frozen=True, slots=True)
class Standing:
    """The oldest and the newest sealed UTC day; *verified_at* is UTC without a zone, or None.

    *problems* are those of the last verification, its first hundred; *problem_count* is all.
    """

    sealed_from: dt.date | None
    sealed_to: dt.date | None
    verified_at: dt.datetime | None
    checked_days: int
    problem_count: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool | None:
        """Return whether the last verification found nothing; None where it looked at nothing."""
        looked = self.verified_at is not None and (self.checked_days or self.problem_count)
        return self.problem_count == 0 if looked else None


def standing(engine: Engine) -> Standing:
    """Return where the seals of *engine* stand."""
    days = engine.table("select min(day) as first, max(day) as last from seals").to_pylist()[0]
    text = marks.get(engine, MARK)
    if not text:
        return Standing(days["first"], days["last"], None, 0, 0, ())
    said = json.loads(text)
    problems = tuple(
        Problem(_day(each["day"]), each["problem"], each["count"], each["text"])
        for each in said["problems"]
    )
    at = dt.datetime.fromisoformat(said["verified_at"])
    return Standing(
        days["first"], days["last"], at, said["checked_days"], said["problem_count"], problems
    )


@dataclass(frozen=True, slots=True)
class Removed:
    """What one lawful removal took of a UTC day: events and second reports, why, by whom, when."""

    day: dt.date
    gone: int
    gone_twins: int
    reason: str
    made_by: str
    sealed_at: dt.datetime


def removals(engine: Engine, window: Window | None = None) -> list[Removed]:
    """Return what was removed of the days that *window* (all time) touches, as the seals say."""
    window = window or Window()
    texts = engine.table(
        'select line from seals where line like \'%"kind":"purge"%\' '
        "and ($start is null or day >= $start::date) and ($end is null or day < $end) "
        "order by day, number",
        {"start": window.start, "end": window.end},
    )["line"].to_pylist()
    return [
        Removed(
            line.day,
            chain.whole(line.body.get("gone")),
            chain.whole(line.body.get("gone_twins")),
            str(line.body.get("reason", "")),
            str(line.body.get("made_by", "")),
            dt.datetime.fromisoformat(str(line.body["sealed_at"])),
        )
        for line in chain.read(texts)
        if line.day and not line.fault
    ]


def note(store: Store, report: Report) -> None:
    """Keep *report* as the last verification."""
    said = {
        "verified_at": report.verified_at.isoformat(),
        "checked_days": len(report.days),
        "problem_count": len(report.problems),
        "problems": [
            {**asdict(each), "day": each.day.isoformat() if each.day else None}
            for each in report.problems[:100]
        ],
    }
    store.write(lambda cursor: marks.put(cursor, MARK, json.dumps(said)))


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
