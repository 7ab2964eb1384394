"""Compare a day with its seal: how many rows are missing, added or changed."""

from dataclasses import dataclass

from trail.integrity import chain_history, row_digest
from trail.integrity.chain import Line
from trail.integrity.row_digest import DayRows, Parts


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
        """Return the hours as text; empty if they are unknown or too many."""
        if not self.hours or len(self.hours) > 6:
            return ""
        return f" ({', '.join(f'{hour:02}:00' for hour in self.hours)} UTC)"


def difference(line: Line, sealed: dict[str, Parts] | None, day_rows: DayRows) -> Difference:
    """Return how *day_rows* differ from *line*.

    With *sealed*, the parts that the line was computed from, changed rows are counted (a lower
    bound). Without them only totals can be compared.
    """
    if chain_history.matches(line, day_rows):
        return Difference()
    known = sealed if chain_history.same_rows(sealed, line) else None
    missing = added = changed = 0
    hours: set[int] = set()
    for kind, column in ((row_digest.EVENT, "events"), (row_digest.TWIN, "twins")):
        if known is None:
            gap = day_rows.tally(kind).count - int(line.body[column])
            counts = (max(-gap, 0), max(gap, 0), 0)
        else:
            *counts_, places = _parts(known[kind], day_rows.tally(kind).parts)
            counts = (counts_[0], counts_[1], counts_[2])
            hours |= places
        missing, added, changed = (
            before + now for before, now in zip((missing, added, changed), counts, strict=True)
        )
    if not missing + added + changed:
        changed = 1  # same count, different digest
    return Difference(missing, added, changed, tuple(sorted(hours)))


def _parts(sealed: Parts, stored: Parts) -> tuple[int, int, int, set[int]]:
    missing = added = changed = 0
    hours: set[int] = set()
    for part in sealed.keys() | stored.keys():
        before, now = sealed.get(part, (0, "")), stored.get(part, (0, ""))
        if before == now:
            continue
        hours.add(int(part[:2]))
        missing += max(before[0] - now[0], 0)
        added += max(now[0] - before[0], 0)
        changed += before[0] == now[0]
    # A row whose time or id was edited moves from one part to another.
    moved = min(missing, added)
    return missing - moved, added - moved, changed + moved, hours
