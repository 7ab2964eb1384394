"""Verify every archived file, and its events, against the seal and the manifest of its day.

Years take longer than a session of a terminal: the position is kept, and the next run continues
there.
"""

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.integrity import (
    archive_check,
    archive_manifest,
    chain,
    chain_history,
    key_file,
    mirror,
    row_digest,
    sealing,
)
from trail.integrity.chain import Line
from trail.integrity.chain_history import History, Problem
from trail.storage import archive_place, cold_changes, cold_tier, cold_views, cursors
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine

# The mark of the last day that was verified without reaching the end.
POSITION = "cold_verified"
# The mark of the days whose events differ from their seals, although their files do not.
_DIFFERENT = "cold_different"
# How often the position is kept.
_EVERY_S = 5.0
# What a part needs besides the record for the digest of its events to be that of a seal. Those of
# earlier releases lack it.
_DIGESTED = {"forwarded", "recorded_actor_id", "batch_id"}


@dataclass(frozen=True, slots=True)
class ColdReport:
    """The archived days that were verified in this run, from the oldest on, and their problems.

    *since* is the day after which an earlier run was continued; *complete* says whether the newest
    archived day was reached. *events* are those whose digests were computed.
    """

    checked_days: int
    files: int
    events: int
    since: dt.date | None
    last: dt.date | None
    complete: bool
    problems: tuple[Problem, ...]
    took_s: float

    @property
    def ok(self) -> bool:
        """Return whether all that was verified is as it was sealed."""
        return not self.problems


def verify(
    store: Store,
    settings: Settings,
    *,
    restart: bool = False,
    progress: Callable[[float], None] | None = None,
    seconds: float | None = None,
) -> ColdReport:
    """Verify the archive from where the last run stopped, or with *restart* from its oldest day.

    Each file is read whole, and the digest of each day is computed again. After *seconds*, if
    given, the run ends and the next one continues, as after an interruption. Blocks neither readers
    nor the writer for long. Raises `UnavailableError` while the archive cannot be reached.
    """
    began = saved = time.monotonic()
    check = _Check(store, settings)
    days = check.days()
    mark = "" if restart else cursors.get(store, POSITION)
    since = dt.date.fromisoformat(mark) if mark else None
    todo = [day for day in days if since is None or day > since]
    problems: list[Problem] = []
    last = since
    try:
        for number, day in enumerate(todo, 1):
            problems += check.day(day)
            last = day
            if progress:
                progress((len(days) - len(todo) + number) / len(days))
            now = time.monotonic()
            if seconds is not None and now - began >= seconds:
                break
            if now - saved >= _EVERY_S:
                check.keep(last)
                saved = now
    except BaseException:
        check.keep(last)
        raise
    complete = not todo or last == todo[-1]
    check.keep(None if complete else last)
    checked = sum(1 for day in todo if last is not None and day <= last)
    took = round(time.monotonic() - began, 1)
    return ColdReport(
        checked, check.files, check.events, since, last, complete, tuple(problems), took
    )


def different_days(engine: Engine) -> list[dt.date]:
    """Return the days whose events differed from their seals when they were verified last."""
    return [dt.date.fromisoformat(day) for day in cursors.get(engine, _DIFFERENT).split()]


def forget_different(cursor: Cursor) -> None:
    """Forget the `different_days`: their present state was accepted."""
    cursors.put(cursor, _DIFFERENT, "")


class _Check:
    """One run: what seals and the database say of the archive, and what was read."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._where = mirror.files(store.path, settings)
        self._place = archive_place.of(settings)
        if reason := self._place.problem():
            raise UnavailableError(f"The archive cannot be reached. {reason}")
        self.files = self.events = 0
        self._different = set(different_days(store))
        self._read()

    def _read(self) -> None:
        self._revision = cold_changes.revision(self._store)
        with sealing.snapshot(self._store) as ask:
            history = chain_history.read(ask, self._where)
        self._key = key_file.public(self._where.key)
        self._waiting = cold_changes.unstated(self._store)
        self._stated, self._sealed = archive_check.stated(history), _sealed(history)
        parts = cold_tier.parts_by_day(self._store)
        self._listed = {day: [part.file for part in those] for day, those in parts.items()}

    def days(self) -> list[dt.date]:
        """Return the days of which a seal or a manifest states something, from the oldest on."""
        listed = (day for day in self._listed if archive_manifest.is_there(self._place, day))
        return sorted({*self._stated, *listed})

    def day(self, day: dt.date) -> list[Problem]:
        """Return what is wrong with *day*."""
        found, files, events = self._compared(day)
        if found and cold_changes.revision(self._store) != self._revision:
            # It was archived again or removed meanwhile.
            self._read()
            found, files, events = self._compared(day)
        self.files, self.events = self.files + files, self.events + events
        return found

    def _compared(self, day: dt.date) -> tuple[list[Problem], int, int]:
        """Return what is wrong with *day*, and how many files and events were read."""
        stated, listed = self._stated.get(day, {}), self._listed.get(day, [])
        place, found, rows = self._place, list[Problem](), row_digest.Tally()
        with contextlib.ExitStack() as stack:
            paths = {
                file: stack.enter_context(place.local(file))
                for file in dict.fromkeys([*listed, *stated])
            }
            for file, part in stated.items():
                problem = archive_check.changed(day, part, paths[file])
                found += [problem] if problem else []
            if current := day not in self._waiting:
                found += archive_manifest.problems(place, day, listed, stated, paths, self._key)
            if listed and not found:
                with sealing.snapshot(self._store) as ask:
                    read = cold_views.records([paths[file] for file in listed])
                    rows = row_digest.of_records(ask, read)
                    line = self._sealed.get(day)
                    own = [paths[file] for file in stated]
                    problem = _different(ask, line, rows, own) if line else None
                (self._different.add if problem else self._different.discard)(day)
                problem = problem or (
                    archive_manifest.differs(place, day, rows) if current else None
                )
                found += [problem] if problem else []
        return found, len(paths), rows.count

    def keep(self, day: dt.date | None) -> None:
        """Keep *day* as the position; None after the end."""
        different = " ".join(sorted(map(str, self._different & self._stated.keys())))

        def job(cursor: Cursor) -> None:
            cursors.put(cursor, POSITION, day.isoformat() if day else "")
            cursors.put(cursor, _DIFFERENT, different)

        self._store.write(job)


def _sealed(history: History) -> dict[dt.date, Line]:
    """Return by day the seal whose events are now in the archive, or there and in the database.

    It is the last one before events of the day were archived. A day is left out if some of its
    events went elsewhere since, or if its state was accepted or restored.
    """
    sealed: dict[dt.date, Line] = {}
    archived: set[dt.date] = set()
    others: set[dt.date] = set()
    for _, line in sorted(history.trusted.items()):
        if line.day is None:
            continue
        if line.body["kind"] == chain.PURGE:
            archived.add(line.day)
            if "archive_gone" in line.body or (line.body["gone"] and "archive" not in line.body):
                others.add(line.day)
        elif line.day not in archived:
            sealed[line.day] = line
        elif line.body["kind"] in (chain.ACCEPTED, chain.RESTORED):
            others.add(line.day)
    return {day: line for day, line in sealed.items() if day in archived - others}


def _different(
    ask: row_digest.Ask, line: Line, rows: row_digest.Tally, paths: Iterable[Path]
) -> Problem | None:
    """Return how the events that *line* sealed differ from those that there are, or None.

    *rows* is the tally of all that is archived of the day, and *paths* are the files that seals
    state.
    """
    own = list(paths)
    sealed = int(line.body["events"]), str(line.body["digest"])
    if (rows.count, rows.digest) == sealed:
        return None
    if not all(set(pq.read_schema(path).names) >= _DIGESTED for path in own):
        return None
    there = row_digest.of_both(ask, cold_views.records(own), line.edge)
    if (there.count, there.digest) == sealed:
        return None
    text = (
        f"{line.day}: the {there.count:,} events in the archive and the database are not the "
        f"{sealed[0]:,} that seal {line.number} states: some changed before they were archived."
    )
    return Problem(line.day, "archive changed", abs(there.count - sealed[0]) or 1, text)
