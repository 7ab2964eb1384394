"""What a search text means: terms and what joins them; the error of a text without meaning."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from trail.core.errors import FilterError

# What may stand before the colon.
TEXT_FIELDS = (
    *("action", "category", "kind", "outcome", "actor", "actor_type"),
    *("target", "target_type", "id", "workspace", "changes", "verified"),
    *("source", "future_dated", "raw"),
)
# Those that are compared as numbers or times.
ORDERED_FIELDS = ("risk", "time")
FIELDS = (*TEXT_FIELDS, *ORDERED_FIELDS)

# A wildcard of a pattern, an escaped character, or a text.
_PATTERN = re.compile(r"([*?])|\\(.)|([^*?\\]+)", re.DOTALL)


class SearchError(FilterError):
    """A search *text* that cannot be read, from `start` to `end`; `correction` is it as meant.

    The correction is empty where none is known.
    """

    def __init__(
        self, message: str, hint: str, text: str, start: int, end: int, correction: str = ""
    ) -> None:
        super().__init__(message, hint)
        self.text, self.start, self.end, self.correction = text, start, end, correction

    def __str__(self) -> str:
        """Return the message, the hint, the place as people count, and the correction."""
        first, last = self.start + 1, max(self.end, self.start + 1)
        place = f"character {first}" if first == last else f"characters {first} to {last}"
        meant = f" Correction: {self.correction}" if self.correction else ""
        return f"{self.message} {self.hint} (Search text, {place}.){meant}"


@dataclass(frozen=True, slots=True)
class Term:
    """One term: its field (empty for all) and its text.

    With `wildcards`, the text is a pattern (see `pattern_parts`); that of a field must match the
    whole value. `comparison` is the sign after an ordered field, empty for equality.
    """

    field: str
    text: str
    wildcards: bool = False
    comparison: str = ""


@dataclass(frozen=True, slots=True)
class Not:
    """What must not hold."""

    node: "Node"


@dataclass(frozen=True, slots=True)
class All:
    """What must all hold; two or more."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Of what one must hold; two or more."""

    nodes: tuple["Node", ...]


Node = Term | Not | All | Any


def terms(node: Node | None, *, wanted: bool = False) -> Iterator[Term]:
    """Yield the terms of *node* from left to right; with *wanted* those that are not negated."""
    match node:
        case Term():
            yield node
        case Not(inner) if wanted:
            # Two negations are none.
            yield from (term for part in _negated(inner) for term in terms(part, wanted=True))
        case Not(inner):
            yield from terms(inner)
        case All(nodes) | Any(nodes):
            for part in nodes:
                yield from terms(part, wanted=wanted)


def _negated(node: Node) -> Iterator[Node]:
    """Yield the parts of *node* that count when it is negated: those that are negations."""
    match node:
        case Not(inner):
            yield inner
        case All(nodes) | Any(nodes):
            for part in nodes:
                yield from _negated(part)


def pattern_parts(pattern: str) -> list[tuple[str, bool]]:
    r"""Return the parts of a *pattern* from left to right, and whether each is a wildcard.

    `*` stands for any characters, and `?` for one; `\*`, `\?` and `\\` are these characters.
    """
    parts: list[tuple[str, bool]] = []
    for mark, escaped, text in _PATTERN.findall(pattern):
        part = mark or escaped or text
        if parts and not mark and not parts[-1][1]:
            part = parts.pop()[0] + part
        parts.append((part, bool(mark)))
    return parts


def all_of(nodes: Iterable[Node]) -> Node | None:
    """Return the node for all of *nodes*, each of them once; None for no nodes."""
    flat: list[Node] = []
    for node in nodes:
        flat += node.nodes if isinstance(node, All) else (node,)
    distinct = tuple(dict.fromkeys(flat))
    return All(distinct) if len(distinct) > 1 else next(iter(distinct), None)


def any_of(nodes: Iterable[Node]) -> Node | None:
    """Return the node for any of *nodes*, each of them once; None for no nodes."""
    flat: list[Node] = []
    for node in nodes:
        flat += node.nodes if isinstance(node, Any) else (node,)
    distinct = tuple(dict.fromkeys(flat))
    return Any(distinct) if len(distinct) > 1 else next(iter(distinct), None)
