"""Verify every sealed day against its rows, the chain against its copies, batches against rows.

Reads one snapshot and changes nothing.
"""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.integrity import (
    archive_check,
    batch_balance,
    chain,
    chain_history,
    commits,
    day_comparison,
    derived_check,
    high_water_mark,
    ledger_check,
    mirror,
    row_digest,
    seal_store,
    sealing,
)
from trail.integrity.batch_balance import Imbalance
from trail.integrity.chain import Line
from trail.integrity.chain_history import History, Problem
from trail.integrity.row_digest import DayRows
from trail.storage import archive_place, ledger
from trail.storage.duckdb import Store

UNCHANGED, PURGED, RESTORED = "unchanged", "removed by retention", "restored"
VALID_STATES = (UNCHANGED, PURGED, RESTORED)
_OF_EVENTS = ("missing", "added", "changed", "rolled back")


@dataclass(frozen=True, slots=True)
class DayState:
    """The state of a sealed day: its name, the sealed events, the late and the removed rows."""

    day: dt.date
    state: str
    events: int
    late: int
    purged: int
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a verification at *verified_at* (UTC without zone), days in order.

    `unsealed_days` counts days with events and without a seal.
    """

    verified_at: dt.datetime
    days: tuple[DayState, ...]
    problems: tuple[Problem, ...]
    seals: int
    unsealed_days: int
    took_s: float

    @property
    def ok(self) -> bool:
        """Return whether there are no problems."""
        return not self.problems

    @property
    def sealed_to(self) -> dt.date | None:
        """Return the newest sealed day, or None."""
        return self.days[-1].day if self.days else None


@dataclass(slots=True)
class _Check:
    """State of one verification; `over` counts the excess rows not reported yet, by batch."""

    history: History
    parts: dict[int, dict[str, row_digest.Parts]]
    imbalances: dict[int, Imbalance]
    over: dict[int, int]
    problems: list[Problem] = field(default_factory=list)
    days: list[DayState] = field(default_factory=list)


def verify(
    store: Store,
    settings: Settings,
    *,
    against: Path | None = None,
    full: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Report:
    """Verify the trail; *against* is a copy of the mirror stored elsewhere.

    With *full*, all records are read again and compared with what pages show, otherwise a random
    sample (`derived_check.SAMPLE`).

    Blocks neither readers nor the writer. Raises `InputError` if the copy cannot be read.
    """
    began = time.perf_counter()
    where = mirror.files(store.path, settings)
    # Read before the snapshot: an entry that is added meanwhile is then not missing from it.
    heads = high_water_mark.ledger_heads(where.known)
    with sealing.snapshot(store) as ask:
        current = chain_history.read(ask, where, against)
        imbalances = batch_balance.imbalances(ask)
        over = {number: imbalance.over for number, imbalance in imbalances.items()}
        check = _Check(current, seal_store.parts(ask), imbalances, over, list(current.problems))
        counts = row_digest.per_day(ask)
        edges = [line.edge for line in current.latest.values()]
        groups = row_digest.spans(edges, counts, sealing.SPAN_ROWS)
        for number, group in enumerate(groups, 1):
            for edge, day_rows in row_digest.scan_edges(ask, group):
                _check_day(check, current.latest[edge.day], day_rows)
            if progress:
                progress(number / len(groups))
        for ledger_ in ledger_check.read(ask, current, heads):
            check.problems += ledger_.problems
            if ledger_.name == ledger.COMMITS and not ledger_.problems:
                _add_open_days(check, ask, ledger_)
        check.problems += _derived(check, ask, settings, full=full)
        archive = archive_place.of(settings)
        check.problems += archive_check.problems(ask, current, archive, full=full)
    _add_purge_doubts(check)
    _check_batches(check)
    _add_losses(check, where)
    problems = sorted(check.problems, key=lambda p: (p.day or dt.date.max, p.problem))
    return Report(
        utc_now(),
        tuple(sorted(check.days, key=lambda state: state.day)),
        tuple(problems),
        len(current.own),
        len(counts.keys() - current.latest.keys()),
        round(time.perf_counter() - began, 2),
    )


def _check_day(check: _Check, line: Line, day_rows: DayRows) -> None:
    """Add the state and the problems of one day."""
    assert line.day
    day = line.day
    differs = day_comparison.difference(line, check.parts.get(line.number), day_rows)
    unaccounted = _unaccounted(check, day_rows)
    absent = line.number in check.history.absent
    problems = []
    if absent and differs.count:
        n = differs.count
        text = f"The database is older than its seal of {day}: {n:,} events do not match."
        problems.append(Problem(day, "rolled back", n, text))
    elif differs.count:
        problems += _differences(line, differs)
    elif absent:
        text = f"The seal of {day} is missing from the database; its events match."
        problems.append(Problem(day, "seal removed", 1, text))
    if unaccounted:
        text = f"{day}: {unaccounted:,} events were added without a load."
        problems.append(Problem(day, "added", unaccounted, text))
    check.problems += problems
    removed, removal_reason = _removed(check.history, day)
    restored = line.body["kind"] == chain.RESTORED
    state = PURGED if removed else RESTORED if restored else UNCHANGED
    check.days.append(
        DayState(
            day,
            problems[0].problem if problems else state,
            int(line.body["events"]),
            sum(sum(counts) for counts in day_rows.late.values()),
            removed,
            removal_reason or str(line.body.get("reason", "")),
        )
    )


def _differences(line: Line, differs: day_comparison.Difference) -> list[Problem]:
    total = int(line.body["events"]) + int(line.body["twins"])
    kinds = (
        ("missing", differs.missing, f"of {total:,} sealed events are missing"),
        ("added", differs.added, f"events were added to {total:,} sealed events"),
        ("changed", differs.changed, f"of {total:,} sealed events were changed"),
    )
    return [
        Problem(line.day, kind, n, f"{line.day}: {n:,} {text}{differs.when()}.")
        for kind, n, text in kinds
        if n
    ]


def _unaccounted(check: _Check, day_rows: DayRows) -> int:
    """Return the number of late rows that no load accounts for; each is reported once."""
    total = 0
    for batch, counts in day_rows.late.items():
        n = min(sum(counts), check.over.get(batch, 0))
        if n:
            check.over[batch] -= n
            total += n
    return total


def _removed(current: History, day: dt.date) -> tuple[int, str]:
    """Return how many rows of *day* were removed by retention, and the latest reason."""
    removed, reason = 0, ""
    for _, line in sorted(current.trusted.items()):
        if line.day == day and line.body["kind"] == chain.RESTORED:
            removed, reason = 0, ""  # events purged after the backup exist again
        if line.day == day and line.body["kind"] == chain.PURGE:
            removed += int(line.body["gone"]) + int(line.body["gone_twins"])
            reason = str(line.body["reason"])
    return removed, reason


def _derived(
    check: _Check, ask: sealing.Snapshot, settings: Settings, *, full: bool
) -> list[Problem]:
    """Return what does not follow from the records, on days without another problem of events."""
    valid = {state.day for state in check.days if state.state in VALID_STATES}
    accepted = {
        day
        for day, line in check.history.latest.items()
        if line.body["kind"] == chain.ACCEPTED and day in valid
    }
    explained = {problem.day for problem in check.problems if problem.problem in _OF_EVENTS}
    return [
        problem
        for problem in derived_check.problems(
            ask, settings.limits, full=full, valid_days=valid, accepted_days=accepted
        )
        if problem.day is None or problem.day not in explained
    ]


def _add_open_days(check: _Check, ask: sealing.Snapshot, commits_: ledger_check.Chain) -> None:
    """Add what differs from what commits stored, unless the seal of the day already reports it."""
    edges = {day: line.edge for day, line in check.history.latest.items()}
    reported = {(problem.day, problem.problem) for problem in check.problems}
    for problem in commits.problems(ask, ask.batches, commits_, edges):
        if (problem.day, problem.problem) not in reported:
            check.problems.append(problem)


def _add_purge_doubts(check: _Check) -> None:
    """Add the problems that a purge recorded for a day before it removed rows, until accepted."""
    doubts: dict[dt.date, list[Problem]] = {}
    for _, line in sorted(check.history.trusted.items()):
        if line.day is None:
            continue
        if line.body["kind"] == chain.ACCEPTED:
            doubts.pop(line.day, None)
        for kind, n in (line.body.get("doubt") or {}).items():
            text = f"{line.day}: {n:,} events were already {kind} before a purge of that day."
            doubts.setdefault(line.day, []).append(Problem(line.day, kind, n, text))
    check.problems += [problem for problems in doubts.values() for problem in problems]


def _check_batches(check: _Check) -> None:
    """Add what batches have too few or too many of, unless a sealed day already reports it."""
    reported = {
        kind: sum(problem.count for problem in check.problems if problem.problem in kinds)
        for kind, kinds in (
            ("missing", ("missing", "rolled back", "changed", "purge forged")),
            ("added", ("added",)),
        )
    }
    # Late rows that were reported are already subtracted from `over`.
    total_over = sum(imbalance.over for imbalance in check.imbalances.values())
    reported["added"] -= total_over - sum(check.over.values())
    for number, imbalance in sorted(check.imbalances.items()):
        for kind, n in (("missing", imbalance.under), ("added", check.over[number])):
            rest = n - min(n, max(reported[kind], 0))
            reported[kind] -= n - rest
            if rest:
                day = imbalance.started_at.date() if imbalance.started_at else None
                name = f"Batch {number}" if day else "No batch"
                text = f"{name} kept {imbalance.kept:,} events, {imbalance.stored:,} are stored."
                check.problems.append(Problem(day, kind, rest, text))


def _add_losses(check: _Check, where: mirror.Files) -> None:
    for loss in high_water_mark.shortfalls(where.known):
        if loss.deleted or loss.restored_from:
            continue  # reported by the day or batch, or recorded by a signed line
        day = loss.lost_from.date() if loss.lost_from else loss.was_at.date()
        check.problems.append(Problem(day, "rolled back", loss.was - loss.there, loss.text()))
