"""The parts of a digest: titled sections of lines, each of which links to its place."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a name with its number and change, or a sentence; `path` is the page of it.

    `key` names a figure, such as `changes`; it is empty for an item of a list. `change` is against
    the earlier period, as `periods.Change.text`. `note` follows the text.
    """

    text: str
    path: str
    key: str = ""
    number: int | None = None
    change: str = ""
    note: str = ""

    @property
    def value(self) -> str:
        """Return the number as text; empty without one."""
        return "" if self.number is None else f"{self.number:,}"

    def to_dict(self) -> dict[str, Any]:
        """Return the line for JSON, without what it has not."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value not in ("", None)}


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part; `note` says what its numbers mean."""

    key: str
    title: str
    lines: tuple[Line, ...]
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the section for JSON."""
        return {
            "key": self.key,
            "title": self.title,
            "note": self.note,
            "lines": [line.to_dict() for line in self.lines],
        }
