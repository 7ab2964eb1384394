"""Read the chain from the database, compare it with the mirror, and determine trusted lines.

A line is trusted if its seal, signature and key are valid and no other trusted line has its number;
the newest trusted line of a day states the contents of that day.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from trail.core.errors import InputError, IntegrityError
from trail.integrity import chain, high_water_mark, key_file, mirror, row_digest, seal_store
from trail.integrity.chain import Line
from trail.integrity.mirror import Files
from trail.integrity.row_digest import Ask, DayRows


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of a day: its kind, how many events or seals it affects, and a sentence."""

    day: dt.date | None
    problem: str
    count: int
    text: str


@dataclass(slots=True)
class History:
    """Lines of the database and of the mirror, problems, and the newest line of each day.

    `absent` contains the numbers of trusted lines that are missing from the database.
    """

    own: list[Line]
    outside: list[Line]
    problems: list[Problem] = field(default_factory=list)
    trusted: dict[int, Line] = field(default_factory=dict)
    latest: dict[dt.date, Line] = field(default_factory=dict)
    absent: set[int] = field(default_factory=set)

    def require_valid(self) -> None:
        """Raise `IntegrityError` if the chain in the database must not be continued."""
        if self.absent or any(not p.problem.startswith("mirror") for p in self.problems):
            raise IntegrityError(
                "The chain of seals is invalid, so no new seal is added.",
                "Run: python -m trail verify",
            )

    def valid_chain(self) -> list[Line]:
        """Return the trusted lines from the first up to the first gap."""
        lines: list[Line] = []
        while (line := self.trusted.get(len(lines) + 1)) is not None:
            if line.body["prev"] != (lines[-1].seal if lines else chain.FIRST):
                break
            lines.append(line)
        return lines


def matches(line: Line, day_rows: DayRows) -> bool:
    """Return whether the rows of a day match *line*."""
    fields = tuple(line.body[name] for name in ("events", "digest", "twins", "twins_digest"))
    event, twin = day_rows.event, day_rows.twin
    return fields == (event.count, event.digest, twin.count, twin.digest)


def read(ask: Ask, where: Files, against: Path | None = None) -> History:
    """Return the chain; *against* is a copy of the mirror that was stored elsewhere.

    With a copy, lines must be signed with its key. Raises `InputError` if it cannot be read.
    """
    texts = mirror.read(where.mirror)
    copies = _copy(against) if against else []
    key = chain.read(copies[:1])[0].body.get("key", "") if copies else ""
    key = str(key) or key_file.public(where.key)
    own, outside = chain.read(seal_store.lines(ask), key), chain.read(texts, key)
    result = History(own, outside)
    if own and not key_file.public(where.key):
        result.problems.append(_problem(own[-1], "key missing", "The signing key is missing."))
    _check_own(result)
    mark = ask(f"select mark from marks where source = '{mirror.MARK}'")
    written = mirror.written_up_to(mark[0]["mark"] if mark else "", where.mirror)
    _check_outside(result, outside, written, "mirror")
    copied = chain.read(copies, key)
    if copies:
        _check_outside(result, copied, 0, "copy")
    _trust(result, [*outside, *copied])
    missing = high_water_mark.seals(where.known) - max([len(own), *result.trusted])
    if missing > 0:
        text = f"{missing:,} seals are missing from the database and the mirror."
        result.problems.append(Problem(None, "seal removed", missing, text))
    older = key_file.newest_seal(where.key) - max([len(own), *result.trusted])
    if older > max(missing, 0):
        text = (
            f"The database and its files are older than their key: {older:,} seals that it has "
            "signed are missing."
        )
        result.problems.append(Problem(None, "seal removed", older, text))
    return result


def own(ask: Ask) -> History:
    """Return the chain as the database has it; its copies are not read."""
    result = History(chain.read(seal_store.lines(ask)), [])
    _check_own(result)
    _trust(result, [])
    return result


def _copy(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"{path.name} is not a file.", "Choose a copy of the mirror.")
    lines = mirror.read_copy(path)
    if not lines:
        raise InputError(f"{path.name} contains no seals.", "Choose a copy of the mirror.")
    return lines


_FAULTS = {
    "changed": ("seal changed", "Seal {n} in the database was changed after it was signed."),
    "forged": ("seal forged", "Seal {n} in the database has an invalid signature."),
    "wrong key": ("wrong key", "Seal {n} in the database was signed with a different key."),
}


def _check_own(history: History) -> None:
    outside = {line.number: line for line in history.outside}
    for position, line in enumerate(history.own, 1):
        if not line.fault:
            if line.number in history.trusted:
                text = f"Seal {line.number} occurs twice."
                history.problems.append(_problem(line, "seal changed", text))
            history.trusted.setdefault(line.number, line)
            continue
        kind, text = _FAULTS[line.fault]
        count, number = 1, line.number or position
        day = line.day or (outside[number].day if number in outside else None)
        if line.body.get("kind") == chain.PURGE and line.fault in ("forged", "changed"):
            kind, count = "purge forged", chain.integer(line.body.get("gone"))
            text = "Seal {n} states a purge, but its signature is invalid."
        history.problems.append(Problem(day, kind, count, text.format(n=number)))
    for line in history.own:
        previous = history.trusted.get(line.number - 1)
        if not line.fault and previous and line.body["prev"] != previous.seal:
            text = f"Seal {line.number} does not continue the previous seal."
            history.problems.append(_problem(line, "seal changed", text))


def _check_outside(history: History, lines: list[Line], written: int, name: str) -> None:
    """Compare the lines of a mirror or a copy, called *name*, with those of the database.

    The mirror was written up to the seal *written*.
    """
    affected: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        own = history.trusted.get(line.number)
        if line.fault:
            affected[f"{name} changed"].append(line)
        elif own and own.seal != line.seal:
            text = f"Seal {line.number} in the database differs from the {name}."
            history.problems.append(_problem(line, "seal changed", text))
    numbers = {line.number for line in lines}
    last = written if name == "mirror" else max(numbers, default=0)
    for own in history.own:
        if not own.fault and own.number <= last and own.number not in numbers:
            affected[f"{name} cut"].append(own)
    for kind, those in affected.items():
        what = "changed after signing" if kind.endswith("changed") else "missing"
        text = f"Lines of the {name} {what}: {len(those):,}."
        history.problems.append(Problem(those[0].day, kind, len(those), text))


def _trust(history: History, outside: list[Line]) -> None:
    """Add lines found only outside, report gaps, and determine the newest line of each day."""
    present = {line.number or position for position, line in enumerate(history.own, 1)}
    for line in outside:
        if not line.fault and line.number not in history.trusted:
            history.trusted[line.number] = line
            if line.number not in present:
                history.absent.add(line.number)
    for number in range(1, max(history.trusted, default=0)):
        if number not in history.trusted and number not in present:
            following = history.trusted.get(number + 1)
            text = f"Seal {number} is missing from the chain."
            day = following.day if following else None
            history.problems.append(Problem(day, "seal removed", 1, text))
    for _, line in sorted(history.trusted.items()):
        if line.day:
            history.latest[line.day] = line


def _problem(line: Line, kind: str, text: str) -> Problem:
    return Problem(line.day, kind, 1, text)


def same_rows(sealed: dict[str, row_digest.Parts] | None, line: Line) -> bool:
    """Return whether *sealed* are the parts that *line* was computed from."""
    return sealed is not None and (
        row_digest.fold(sealed[row_digest.EVENT]) == line.body["digest"]
        and row_digest.fold(sealed[row_digest.TWIN]) == line.body["twins_digest"]
    )
