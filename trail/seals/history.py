"""The chain as it stands: lines of the database held against those outside, and what to trust.

Separate because sealing, verify and accepting all start from it. A line is trusted when its seal,
signature and key hold and no other trusted line has its number; the newest trusted line of a day
says what that day held.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from trail.errors import InputError, IntegrityError
from trail.seals import chain, kept, keys, known, mirror, rows
from trail.seals.chain import Line
from trail.seals.mirror import Files
from trail.seals.rows import Ask, DayRows


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a day: the word for it, how many events or seals, and a sentence."""

    day: dt.date | None
    problem: str
    count: int
    text: str


@dataclass(slots=True)
class History:
    """The lines of the database, those outside, what is wrong, and the newest line of each day.

    `absent` has the numbers of trusted lines that the database lacks.
    """

    own: list[Line]
    outside: list[Line]
    problems: list[Problem] = field(default_factory=list)
    trusted: dict[int, Line] = field(default_factory=dict)
    latest: dict[dt.date, Line] = field(default_factory=dict)
    absent: set[int] = field(default_factory=set)

    def must_hold(self) -> None:
        """Raise `IntegrityError` when the chain of the database may not be continued."""
        if self.absent or any(not each.problem.startswith("mirror") for each in self.problems):
            raise IntegrityError(
                "The seals do not hold, so that no new one is made on top of them.",
                "Run: python -m trail verify",
            )

    def holding(self) -> list[Line]:
        """Return the trusted lines from the first on, up to where one is missing."""
        lines: list[Line] = []
        while (line := self.trusted.get(len(lines) + 1)) is not None:
            if line.body["prev"] != (lines[-1].seal if lines else chain.FIRST):
                break
            lines.append(line)
        return lines


def matches(line: Line, found: DayRows) -> bool:
    """Return whether what a day holds is what *line* says of it."""
    said = line.body
    return (said["events"], said["digest"], said["twins"], said["twins_digest"]) == (
        found.event.count,
        found.event.digest,
        found.twin.count,
        found.twin.digest,
    )


def read(ask: Ask, where: Files, against: Path | None = None) -> History:
    """Return the chain; *against* is a copy of the mirror that was kept elsewhere.

    With a copy, its key is the one that counts. Raises `InputError` when the copy cannot be read.
    """
    texts = mirror.read(where.mirror)
    copies = _copy(against) if against else []
    key = chain.read(copies[:1])[0].body.get("key", "") if copies else ""
    key = str(key) or keys.public(where.key)
    own, outside = chain.read(kept.lines(ask), key), chain.read(texts, key)
    found = History(own, outside)
    if own and not keys.public(where.key):
        found.problems.append(_of(own[-1], "key missing", "The key of the seals is gone."))
    _judge_own(found)
    mark = ask(f"select mark from marks where source = '{mirror.MARK}'")
    done = mirror.noted(mark[0]["mark"] if mark else "", where.mirror)
    _judge_outside(found, outside, done, "mirror")
    if copies:
        _judge_outside(found, chain.read(copies, key), 0, "copy")
    _trust(found, [*outside, *chain.read(copies, key)])
    gone = known.seals(where.known) - max([len(own), *found.trusted])
    if gone > 0:
        text = f"{gone:,} seals are gone from the database and from the mirror."
        found.problems.append(Problem(None, "seal removed", gone, text))
    return found


def _copy(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"{path.name} is no file.", "Name a copy of the mirror.")
    lines = mirror.copied(path)
    if not lines:
        raise InputError(f"{path.name} holds no seals.", "Name a copy of the mirror.")
    return lines


_WORDS = {
    "changed": ("seal changed", "Seal {n} in the database is not as it was signed."),
    "forged": ("seal forged", "Seal {n} in the database was not signed by the key."),
    "wrong key": ("wrong key", "Seal {n} in the database was signed by another key."),
}


def _judge_own(found: History) -> None:
    seen: set[int] = set()
    outside = {line.number: line for line in found.outside}
    for place, line in enumerate(found.own, 1):
        if not line.fault:
            if line.number in seen:
                found.problems.append(_of(line, "seal changed", f"Seal {line.number} is twice."))
            seen.add(line.number)
            found.trusted.setdefault(line.number, line)
            continue
        word, text = _WORDS[line.fault]
        count = 1
        number = line.number or place
        day = line.day or (outside[number].day if number in outside else None)
        if line.body.get("kind") == chain.PURGE and line.fault in ("forged", "changed"):
            word, count = "purge forged", chain.whole(line.body.get("gone"))
            text = "A purge is claimed that the key did not sign (seal {n})."
        found.problems.append(Problem(day, word, count, text.format(n=number)))
    for line in found.own:
        before = found.trusted.get(line.number - 1)
        if not line.fault and before and line.body["prev"] != before.seal:
            text = f"Seal {line.number} does not follow the one before it."
            found.problems.append(_of(line, "seal changed", text))


def _judge_outside(found: History, lines: list[Line], done: int, name: str) -> None:
    """Hold the lines of a mirror or a copy against the database's own."""
    bad: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        own = found.trusted.get(line.number)
        if line.fault:
            bad[f"{name} changed"].append(line)
        elif own and own.seal != line.seal:
            text = f"Seal {line.number} in the database is another than in the {name}."
            found.problems.append(_of(line, "seal changed", text))
    numbers = {line.number for line in lines}
    last = done if name == "mirror" else max(numbers, default=0)
    for own in found.own:
        if not own.fault and own.number <= last and own.number not in numbers:
            bad[f"{name} cut"].append(own)
    for word, those in bad.items():
        what = "are not as they were signed" if word.endswith("changed") else "are missing from it"
        text = f"Of the {name}'s lines {len(those)} {what}."
        found.problems.append(Problem(those[0].day, word, len(those), text))


def _trust(found: History, outside: list[Line]) -> None:
    """Add the lines that only others have; name gaps; choose each day's newest line."""
    there = {line.number or place for place, line in enumerate(found.own, 1)}
    for line in outside:
        if not line.fault and line.number not in found.trusted:
            found.trusted[line.number] = line
            if line.number not in there:
                found.absent.add(line.number)
    for number in range(1, max(found.trusted, default=0)):
        if number not in found.trusted and number not in there:
            after = found.trusted.get(number + 1)
            day = after.day if after else None
            text = f"Seal {number} is missing from the chain."
            found.problems.append(Problem(day, "seal removed", 1, text))
    for number in sorted(found.trusted):
        line = found.trusted[number]
        if line.day:
            found.latest[line.day] = line


def _of(line: Line, word: str, text: str) -> Problem:
    return Problem(line.day, word, 1, text)


def same_rows(said: dict[str, rows.Parts] | None, line: Line) -> bool:
    """Return whether kept parts are those that *line* was made of."""
    return said is not None and (
        rows.fold(said[rows.EVENT]) == line.body["digest"]
        and rows.fold(said[rows.TWIN]) == line.body["twins_digest"]
    )
