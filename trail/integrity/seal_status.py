"""The status of the seals: sealed up to when, last verified when, and with which problems.

Pages show it on every visit; it reads two rows and hashes nothing.
"""

import datetime as dt
import json
from dataclasses import asdict, dataclass

from trail.integrity import chain
from trail.integrity.chain_history import Problem
from trail.integrity.verification import Report
from trail.storage import cursors
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Window

MARK = "seals.verified"
# How the reason of a removal ends if its events are in the archive.
ARCHIVED = "; archived"


@dataclass(frozen=True, slots=True)
class Status:
    """The oldest and the newest sealed UTC day; *verified_at* is UTC without zone, or None.

    *problems* are the first hundred of the last verification; *problem_count* counts all.
    """

    sealed_from: dt.date | None
    sealed_to: dt.date | None
    verified_at: dt.datetime | None
    checked_days: int
    problem_count: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool | None:
        """Return whether the last verification found no problem; None if it checked nothing."""
        checked = self.verified_at is not None and (self.checked_days or self.problem_count)
        return self.problem_count == 0 if checked else None


def status(engine: Engine) -> Status:
    """Return the status of the seals."""
    days = engine.table("select min(day) as first, max(day) as last from seals").to_pylist()[0]
    text = cursors.get(engine, MARK)
    if not text:
        return Status(days["first"], days["last"], None, 0, 0, ())
    last = json.loads(text)
    problems = tuple(
        Problem(_day(row["day"]), row["problem"], row["count"], row["text"])
        for row in last["problems"]
    )
    at = dt.datetime.fromisoformat(last["verified_at"])
    return Status(
        days["first"], days["last"], at, last["checked_days"], last["problem_count"], problems
    )


@dataclass(frozen=True, slots=True)
class Removed:
    """Events and second reports of a UTC day removed from the database: why, by whom, when.

    If it `is_archived`, the events went to the archive. `archive_gone` counts the events that were
    removed from the archive.
    """

    day: dt.date
    gone: int
    gone_twins: int
    archive_gone: int
    is_archived: bool
    reason: str
    made_by: str
    sealed_at: dt.datetime

    @property
    def archived(self) -> int:
        """Return how many events went from the database to the archive."""
        return self.gone if self.is_archived else 0

    @property
    def removed(self) -> int:
        """Return how many events were removed from the database or the archive for good."""
        return self.archive_gone + self.gone - self.archived


def removals(engine: Engine, window: Window | None = None) -> list[Removed]:
    """Return the removals from days that overlap *window* (all time), as recorded in the seals."""
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
            chain.integer(line.body.get("gone")),
            chain.integer(line.body.get("gone_twins")),
            chain.integer(line.body.get("archive_gone")),
            # Earlier versions did not state the files.
            bool(line.body.get("archive")) or str(line.body.get("reason")).endswith(ARCHIVED),
            str(line.body.get("reason", "")),
            str(line.body.get("made_by", "")),
            dt.datetime.fromisoformat(str(line.body["sealed_at"])),
        )
        for line in chain.read(texts)
        if line.day and not line.fault
    ]


def store_report(store: Store, report: Report) -> None:
    """Store *report* as the last verification."""
    document = {
        "verified_at": report.verified_at.isoformat(),
        "checked_days": len(report.days),
        "problem_count": len(report.problems),
        "problems": [
            {**asdict(problem), "day": problem.day.isoformat() if problem.day else None}
            for problem in report.problems[:100]
        ],
    }
    store.write(lambda cursor: cursors.put(cursor, MARK, json.dumps(document)))


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
