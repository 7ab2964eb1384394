"""Verify: every sealed day against its rows, the chain against its copies, batches against rows.

Separate from sealing, since it changes nothing: it reads one snapshot beside all that goes on.
"""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from trail.seals import accounts, chain, compare, history, kept, known, mirror, rows, sealing
from trail.seals.accounts import Imbalance
from trail.seals.chain import Line
from trail.seals.history import History, Problem
from trail.seals.rows import DayRows
from trail.settings import Settings
from trail.store import Store, utc_now

UNCHANGED, PURGED, RESTORED = "unchanged", "purged lawfully", "restored"
LAWFUL = (UNCHANGED, PURGED, RESTORED)


@dataclass(frozen=True, slots=True)
class DayState:
    """What verify says of a sealed day: a word, the events sealed, the rows late and purged."""

    day: dt.date
    state: str
    events: int
    late: int
    purged: int
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What verify found at *verified_at* (UTC without a zone), the days in order.

    `unsealed_days` counts days with events that have no seal (yet).
    """

    verified_at: dt.datetime
    days: tuple[DayState, ...]
    problems: tuple[Problem, ...]
    seals: int
    unsealed_days: int
    took_s: float

    @property
    def ok(self) -> bool:
        """Return whether nothing is wrong."""
        return not self.problems

    @property
    def sealed_to(self) -> dt.date | None:
        """Return the newest sealed day, or None."""
        return self.days[-1].day if self.days else None


@dataclass(slots=True)
class _Check:
    """What one run works with."""

    history: History
    parts: dict[int, dict[str, rows.Parts]]
    odd: dict[int, Imbalance]
    over: dict[int, int]
    problems: list[Problem] = field(default_factory=list)
    days: list[DayState] = field(default_factory=list)


def verify(
    store: Store,
    settings: Settings,
    *,
    against: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Report:
    """Return what is and what is not as it was sealed; *against* is a copy of the mirror.

    Holds up neither readers nor the writer. Raises `InputError` for a copy that cannot be read.
    """
    began = time.perf_counter()
    where = mirror.files(store.path, settings)
    with sealing.snapshot(store) as ask:
        chain_now = history.read(ask, where, against)
        odd = accounts.imbalances(ask)
        over = {number: each.over for number, each in odd.items()}
        check = _Check(chain_now, kept.parts(ask), odd, over, list(chain_now.problems))
        counts = rows.per_day(ask)
        edges = [line.edge for line in chain_now.latest.values()]
        groups = rows.spans(edges, counts, sealing.SPAN_ROWS)
        for number, group in enumerate(groups, 1):
            for day, found in rows.scan(ask, group).items():
                _day(check, chain_now.latest[day], found)
            if progress:
                progress(number / len(groups))
    _purge_doubts(check)
    _unsealed(check)
    _shorter(check, where)
    order = sorted(check.problems, key=lambda each: (each.day or dt.date.max, each.problem))
    return Report(
        utc_now(),
        tuple(sorted(check.days, key=lambda each: each.day)),
        tuple(order),
        len(chain_now.own),
        len(counts.keys() - chain_now.latest.keys()),
        round(time.perf_counter() - began, 2),
    )


def _day(check: _Check, line: Line, found: DayRows) -> None:
    """Say what became of one day."""
    assert line.day
    differs = compare.difference(line, check.parts.get(line.number), found)
    alien = _alien(check, found)
    absent = line.number in check.history.absent
    states = []
    if absent and differs.count:
        n, day = differs.count, line.day
        text = f"The database is older than its seal of {day}: {n:,} events are not as sealed."
        states.append(Problem(day, "rolled back", n, text))
    elif differs.count:
        states += _told(line, differs)
    if absent and not differs.count:
        text = f"The seal of {line.day} is gone from the database; its events are as sealed."
        states.append(Problem(line.day, "seal removed", 1, text))
    if alien:
        text = f"{line.day}: {alien:,} events were added that no load has brought."
        states.append(Problem(line.day, "added", alien, text))
    check.problems += states
    gone, reasons = _purged(check.history, line.day)
    restored = line.body["kind"] == chain.RESTORED
    well = PURGED if gone else RESTORED if restored else UNCHANGED
    state = states[0].problem if states else well
    late = sum(sum(each) for each in found.late.values())
    reason = reasons or str(line.body.get("reason", ""))
    check.days.append(DayState(line.day, state, int(line.body["events"]), late, gone, reason))


def _told(line: Line, differs: compare.Difference) -> list[Problem]:
    said = (
        ("missing", differs.missing, "{n:,} of {all:,} sealed events are missing"),
        ("added", differs.added, "{n:,} events were added to {all:,} sealed ones"),
        ("changed", differs.changed, "{n:,} of {all:,} sealed events were changed"),
    )
    total = int(line.body["events"]) + int(line.body["twins"])
    return [
        Problem(line.day, word, n, f"{line.day}: {text.format(n=n, all=total)}{differs.when()}.")
        for word, n, text in said
        if n
    ]


def _alien(check: _Check, found: DayRows) -> int:
    """Return how many late rows no load accounts for; each row in excess is told once."""
    alien = 0
    for batch, counts in found.late.items():
        take = min(sum(counts), check.over.get(batch, 0))
        if take:
            check.over[batch] -= take
            alien += take
    return alien


def _purged(known_: History, day: dt.date) -> tuple[int, str]:
    gone, reason = 0, ""
    for _, line in sorted(known_.trusted.items()):
        if line.day == day and line.body["kind"] == chain.RESTORED:
            gone, reason = 0, ""  # what was purged after the copy was made is there again
        if line.day == day and line.body["kind"] == chain.PURGE:
            gone += int(line.body["gone"]) + int(line.body["gone_twins"])
            reason = str(line.body["reason"])
    return gone, reason


def _purge_doubts(check: _Check) -> None:
    """Tell what a purge found wrong with a day as it removed from it, until that is accepted."""
    doubts: dict[dt.date, list[Problem]] = {}
    for number in sorted(check.history.trusted):
        line = check.history.trusted[number]
        if line.day is None:
            continue
        if line.body["kind"] == chain.ACCEPTED:
            doubts.pop(line.day, None)
        for word, n in (line.body.get("doubt") or {}).items():
            text = f"{line.day}: {n:,} events were {word} already before a purge of that day."
            doubts.setdefault(line.day, []).append(Problem(line.day, word, n, text))
    check.problems += [each for those in doubts.values() for each in those]


def _unsealed(check: _Check) -> None:
    """Tell what batches lack or have too much that no sealed day has told."""
    told = {
        word: sum(each.count for each in check.problems if each.problem in words)
        for word, words in (
            ("missing", ("missing", "rolled back", "changed", "purge forged")),
            ("added", ("added",)),
        )
    }
    # What was told from late rows is taken off `over` already.
    told["added"] -= sum(each.over for each in check.odd.values()) - sum(check.over.values())
    for number, each in sorted(check.odd.items()):
        for word, n in (("missing", each.under), ("added", check.over[number])):
            rest = n - min(n, max(told[word], 0))
            told[word] -= n - rest
            if rest:
                day = each.started_at.date() if each.started_at else None
                name = f"Batch {number}" if each.started_at else "No batch"
                text = f"{name} has {each.kept:,} events by its count, {each.there:,} are there."
                check.problems.append(Problem(day, word, rest, text))


def _shorter(check: _Check, where: mirror.Files) -> None:
    for each in known.shortfalls(where.known):
        if each.deleted or each.restored_from:
            continue  # told by the day or the batch whose rows are gone, or by a signed line
        day = each.lost_from.date() if each.lost_from else each.was_at.date()
        check.problems.append(Problem(day, "rolled back", each.was - each.there, each.text()))
