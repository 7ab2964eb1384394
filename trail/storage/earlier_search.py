"""Search texts of versions before groups, `OR`, wildcards and comparisons.

Every text had a meaning: words, phrases, `field:value` and a leading dash, which must all hold.
"""

import re

from trail.storage.search_syntax import Node, Not, SearchError, Term, all_of, parse, written

_FIELDS = (
    *("action", "category", "kind", "outcome", "actor", "actor_type"),
    *("target", "target_type", "id", "workspace", "raw"),
)
_TERM = re.compile(r'(-?)(?:([a-z_]+):)?("(?:[^"\\]|\\.)*"|\S+)')


def current(text: str) -> str:
    """Return the text that means today what *text* meant: itself where it still does."""
    meaning = all_of(_terms(text))
    try:
        if parse(text) == meaning:
            return text
    except SearchError:
        pass
    return written(meaning)


def _terms(text: str) -> list[Node]:
    result: list[Node] = []
    for match in _TERM.finditer(text):
        dash, name, word = match.groups()
        if name and name not in _FIELDS:
            name, word = "", f"{name}:{word}"
        if word.startswith('"') and word.endswith('"') and len(word) > 1:
            word = re.sub(r"\\(.)", r"\1", word[1:-1])
        if word:
            term = Term(name or "", word)
            result.append(Not(term) if dash else term)
    return result
