"""The search box's language: words, "quoted words", field:value, and a leading dash for not.

A bare term is searched for in the values that people see, not in the keys and the envelope of a
record. Comparison ignores case and Unicode form. All terms must hold.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from trail.core.errors import FilterError

MAX_TERMS = 32  # of all search texts of a filter
MAX_CHARS = 1_000  # of each

HELP = (
    "Words match the action, the actor (ID, name, email), the target (type, ID, name), the "
    "workspace and the values in an event's details, regardless of case. All words must match. "
    'Quote phrases: "Snowflake prod"; write \\" for a quote. Start a word with - to exclude it. '
    "Search one field with action:, category:, kind:, outcome:, actor:, actor_type:, target:, "
    "target_type:, id: or workspace:, and the record as received with raw:."
)


# What may stand before the colon.
FIELDS = (
    *("action", "category", "kind", "outcome", "actor", "actor_type"),
    *("target", "target_type", "id", "workspace", "raw"),
)

_TERM = re.compile(r'(-?)(?:([a-z_]+):)?("(?:[^"\\]|\\.)*"|\S+)')


@dataclass(frozen=True, slots=True)
class Term:
    """One term: its field (empty for all), its text, and whether it must not hold."""

    field: str
    text: str
    negated: bool = False


def terms(text: str) -> tuple[Term, ...]:
    """Return the terms of a search text. A word before a colon that is no field is plain text."""
    result = []
    for match in _TERM.finditer(text):
        dash, name, word = match.groups()
        if name and name not in FIELDS:
            name, word = "", f"{name}:{word}"
        if word.startswith('"') and word.endswith('"') and len(word) > 1:
            word = re.sub(r"\\(.)", r"\1", word[1:-1])
        if word:
            result.append(Term(name or "", word, bool(dash)))
    return tuple(result)


def check(texts: Iterable[str]) -> None:
    """Raise `FilterError` if the search *texts* of a filter are longer than the limits."""
    count = 0
    for text in texts:
        if len(text) > MAX_CHARS:
            raise FilterError(
                f"The search text is too long: {len(text):,} characters.",
                f"Use at most {MAX_CHARS:,}.",
            )
        count += len(terms(text))
    if count > MAX_TERMS:
        raise FilterError(f"The search has too many words: {count:,}.", f"Use at most {MAX_TERMS}.")
