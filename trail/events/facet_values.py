"""The values of one facet as they are counted and listed."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a facet: its filter value, its label, and its number of events."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Which values of a facet with many are listed: the *top* ones that contain *text*.

    Without *top* all are. Comparison ignores case; values that the filter names always are listed.
    """

    text: str = ""
    top: int | None = None


ALL = Listing()


def of_table(table: pa.Table) -> list[Value]:
    """Return the rows of *table*, which has the columns value, label and count."""
    return [Value(row["value"], row["label"], row["count"]) for row in table.to_pylist()]


def most_first(values: Iterable[Value]) -> list[Value]:
    """Return *values* in order: most events first, then by value."""
    return sorted(values, key=lambda item: (-item.count, item.value))


def containing(listing: Listing, *columns: str) -> tuple[str, dict[str, object]]:
    """Return the SQL condition that one of *columns* contains the text, and its parameters."""
    if not listing.text:
        return "true", {}
    hits = " or ".join(f"contains(lower({column}), $text)" for column in columns)
    return f"({hits})", {"text": listing.text.lower()}
