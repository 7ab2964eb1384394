"""One day against what its seal says: how many rows are missing, added, changed.

Separate since a purge asks the same of the days that it leaves something of.
"""

from dataclasses import dataclass

from trail.seals import history, rows
from trail.seals.chain import Line
from trail.seals.rows import DayRows, Parts


@dataclass(frozen=True, slots=True)
class Difference:
    """How many rows of a day are missing, added and changed, and in which hours (UTC)."""

    missing: int = 0
    added: int = 0
    changed: int = 0
    hours: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """Return how many rows differ in all."""
        return self.missing + self.added + self.changed

    def when(self) -> str:
        """Return the hours in words, or nothing where they are not known or too many."""
        if not self.hours or len(self.hours) > 6:
            return ""
        return f" ({', '.join(f'{hour:02}:00' for hour in self.hours)} UTC)"


def difference(line: Line, said: dict[str, Parts] | None, found: DayRows) -> Difference:
    """Return how *found* differs from *line*.

    With *said*, the parts that the line was made of, a changed row is counted apart: at least so
    many have changed. Without them only totals can be held against each other.
    """
    if history.matches(line, found):
        return Difference()
    known = said if said is not None and history.same_rows(said, line) else None
    missing = added = changed = 0
    hours: set[int] = set()
    for kind, column in ((rows.EVENT, "events"), (rows.TWIN, "twins")):
        if known is None:
            gap = found.tally(kind).count - int(line.body[column])
            counts = (max(-gap, 0), max(gap, 0), 0)
        else:
            *counts_, places = _parts(known[kind], found.tally(kind).parts)
            counts = (counts_[0], counts_[1], counts_[2])
            hours |= places
        missing, added, changed = (
            before + now for before, now in zip((missing, added, changed), counts, strict=True)
        )
    if not missing + added + changed:
        changed = 1  # as many rows, another digest
    return Difference(missing, added, changed, tuple(sorted(hours)))


def _parts(said: Parts, there: Parts) -> tuple[int, int, int, set[int]]:
    missing = added = changed = 0
    hours: set[int] = set()
    for part in said.keys() | there.keys():
        before, now = said.get(part, (0, "")), there.get(part, (0, ""))
        if before == now:
            continue
        hours.add(int(part[:2]))
        missing += max(before[0] - now[0], 0)
        added += max(now[0] - before[0], 0)
        changed += before[0] == now[0]
    # A row whose time or id was edited has left one part and come into another.
    moved = min(missing, added)
    return missing - moved, added - moved, changed + moved, hours
