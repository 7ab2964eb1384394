"""Which parts of an ingest process are stored, stated in a mark of the database.

Numbers come from files that others write: what is missing is stated in ranges, so that a mark is
small whatever number a part has.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import orjson

from trail.ingest.parts import About

# Before the node and its process, in the name of a mark.
_PROCESS = "ingest:"

# The first and the last number of parts.
Range = tuple[int, int]


@dataclass(slots=True)
class Progress:
    """Which parts of a process are stored: those up to `last` neither `open` nor `missing`.

    Of an open part, so many records are stored. A missing one has not been seen yet, or is set
    aside; up to `accepted`, it is not reported.
    """

    last: int
    open: dict[int, int] = field(default_factory=dict)
    missing: list[Range] = field(default_factory=list)
    accepted: int = 0

    @classmethod
    def of(cls, mark: str, first: int = 1) -> "Progress":
        """Return what *mark* states; without one, nothing from the part *first* on is stored."""
        if not mark:
            return cls(first - 1)
        stated = orjson.loads(mark)
        return cls(
            stated["last"],
            {int(part): kept for part, kept in stated["open"].items()},
            [(start, end) for start, end in stated.get("missing", ())],
            stated.get("accepted", 0),
        )

    def kept(self, sequence: int) -> int | None:
        """Return how many records of a part are stored, or None if all are."""
        if sequence > self.last or any(start <= sequence <= end for start, end in self.missing):
            return 0
        return self.open.get(sequence)

    def note(self, sequence: int, kept: int, records: int) -> None:
        """Note that the first *kept* of the *records* of a part are stored."""
        if sequence > self.last + 1:
            self.missing.append((self.last + 1, sequence - 1))
        self.missing = list(_without(self.missing, sequence))
        self.last = max(self.last, sequence)
        self.open[sequence] = kept
        if kept == records:
            del self.open[sequence]

    def never_arrived(self, present: Collection[int]) -> int:
        """Return how many missing parts are to be reported, without those *present* as files."""
        reported = [(max(start, self.accepted + 1), end) for start, end in self.missing]
        found = sum(any(start <= part <= end for start, end in reported) for part in present)
        return sum(max(end - start + 1, 0) for start, end in reported) - found

    def mark(self) -> str:
        """Return the mark that states this."""
        return orjson.dumps(
            {
                "last": self.last,
                "open": {str(part): kept for part, kept in sorted(self.open.items())},
                "missing": self.missing,
                "accepted": self.accepted,
            }
        ).decode()


def source(about: About) -> str:
    """Return the name of the mark of the process that wrote a part."""
    return f"{prefix(about.node)}{about.process}"


def prefix(node: str) -> str:
    """Return what the names of the marks of all processes with the name *node* begin with."""
    return f"{_PROCESS}{node}:"


def _without(ranges: list[Range], number: int) -> Iterator[Range]:
    for start, end in ranges:
        if start <= number <= end:
            yield from ((a, b) for a, b in ((start, number - 1), (number + 1, end)) if a <= b)
        else:
            yield start, end
