"""The language of the search box: its grammar, what a text means, and how it is written.

    query      = any | nothing
    any        = all { "OR" all }
    all        = not { [ "AND" ] not }
    not        = ( "-" | "NOT" ) not | "(" any ")" | field ":" "(" any ")" | term
    term       = [ field ":" [ comparison ] ] ( word | phrase ) | field comparison word
    comparison = ">=" | "<=" | ">" | "<" | "="
    phrase     = `"` text with \\" and \\\\ `"`
    word       = characters, of which * and ? are wildcards, unless a backslash precedes

`AND` binds closer than `OR`; both and `NOT` are written in capitals. A word ends at a space, or at
the parenthesis that closes its group. Spaces may stand around the sign after a field. Terms are
searched for in the values that people see, not in the keys and the envelope of a record; `raw:`
searches the record as received. Comparison of texts ignores case and Unicode form.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from trail.core.errors import FilterError
from trail.storage.search_lexer import Lexer, Token, risk_range, unclosed
from trail.storage.search_nodes import (
    FIELDS,
    ORDERED_FIELDS,
    TEXT_FIELDS,
    All,
    Any,
    Node,
    Not,
    SearchError,
    Term,
    all_of,
    any_of,
    pattern_parts,
    terms,
)

__all__ = [
    "FIELDS",
    "MAX_CHARS",
    "MAX_TERMS",
    "ORDERED_FIELDS",
    "TEXT_FIELDS",
    "All",
    "Any",
    "Node",
    "Not",
    "SearchError",
    "Term",
    "all_of",
    "any_of",
    "check",
    "marks",
    "parse",
    "quoted",
    "read",
    "risk_range",
    "terms",
    "together",
    "with_operators",
    "written",
]

MAX_TERMS = 32  # of all search texts of a filter
MAX_CHARS = 1_000  # of each
_MAX_DEPTH = 16  # groups within groups
_WORDS = {"and": "AND", "or": "OR", "not": "NOT", "&&": "AND", "||": "OR"}
_CLOSING = (")", "AND", "OR", "end")
# What a word must not start with after one that is the name of a field.
_SIGNS = tuple(":<>=!")


def parse(text: str) -> Node | None:
    """Return the meaning of a search text; None if it asks for nothing. Raises `SearchError`."""
    return _Parser(text).query()


def written(node: Node | None) -> str:
    """Return the search text of *node*, which `parse` reads as the same."""
    match node:
        case None:
            return ""
        case Term():
            return _written_term(node)
        case Not(inner):
            if isinstance(inner, All | Any):
                return f"-({written(inner)})"
            return f"-{written(inner)}"
        case All(nodes):
            return " ".join(
                f"({written(part)})" if isinstance(part, Any) else written(part) for part in nodes
            )
        case Any(nodes):
            return " OR ".join(map(written, nodes))


def read(texts: Iterable[str]) -> Node | None:
    """Return what all *texts* mean together. Raises `SearchError`."""
    return all_of(node for node in map(parse, texts) if node)


def together(texts: Iterable[str]) -> str:
    """Return one text that means what all *texts* mean together. Raises `SearchError`."""
    listed = list(texts)
    return listed[0] if len(listed) == 1 else written(read(listed))


def marks(texts: Iterable[str]) -> list[str]:
    """Return what to highlight in the values that the search *texts* find; nothing if unreadable.

    To be compared without case. Excluded words, risk and time are not among them.
    """
    try:
        node = read((texts,) if isinstance(texts, str) else texts)
    except SearchError:
        return []
    found: dict[str, None] = {}
    for term in terms(node, wanted=True):
        if term.field not in ORDERED_FIELDS:
            parts = pattern_parts(term.text) if term.wildcards else [(term.text, False)]
            found |= dict.fromkeys(
                part for part, is_wildcard in parts if part.strip() and not is_wildcard
            )
    return list(found)


def with_operators(text: str) -> str:
    """Return *text* with `and`, `or`, `not`, `&&` and `||` between its terms as operators.

    Such words are searched for as they are. Empty if *text* has none, or cannot be read.
    """
    try:
        tokens = list(Lexer(text).tokens())
        parse(text)
    except SearchError:
        return ""
    result, end = "", 0
    for before, token, after in zip([None, *tokens], tokens, tokens[1:], strict=False):
        operator = _WORDS.get(text[token.start : token.end].lower())
        follows = before and before.kind in ("term", ")") and after.kind not in _CLOSING
        if operator and (follows or (operator == "NOT" and after.kind in ("term", "field", "("))):
            result, end = f"{result}{text[end : token.start]}{operator}", token.end
    result += text[end:]
    try:
        return result if parse(result) != parse(text) else ""
    except SearchError:
        return ""


def quoted(text: str) -> str:
    """Return *text* as a phrase."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def check(texts: Iterable[str]) -> None:
    """Raise `FilterError` if the search *texts* of a filter cannot be read or are over a limit."""
    count = 0
    for text in texts:
        parse(text)
        found = [token.term for token in Lexer(text).tokens() if token.term]
        count += len(found)
        if (chars := sum(len(term.text) for term in found)) > MAX_CHARS:
            raise FilterError(
                f"The search text is too long: {chars:,} characters.", f"Use at most {MAX_CHARS:,}."
            )
    if count > MAX_TERMS:
        raise FilterError(f"The search has too many words: {count:,}.", f"Use at most {MAX_TERMS}.")


def _written_term(term: Term) -> str:
    if term.comparison:
        return f"{term.field}{term.comparison}{term.text}"
    name = f"{term.field}:" if term.field else ""
    text = f"{name}{term.text}"
    is_sign = not name and term.text.startswith(_SIGNS)
    if not is_sign and _means(text, term):
        return text
    return name + (_escaped(term.text) if term.wildcards else quoted(term.text))


def _escaped(pattern: str) -> str:
    """Return the word for *pattern*; wildcards cannot be in quotation marks."""
    return "".join(
        part if is_wildcard else re.sub(r"[\W_]", r"\\\g<0>", part)
        for part, is_wildcard in pattern_parts(pattern)
    )


def _means(text: str, node: Node) -> bool:
    try:
        return parse(text) == node
    except SearchError:
        return False


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(Lexer(text).tokens())
        self._next = 0

    def query(self) -> Node | None:
        """Return the whole query."""
        if self._is("end"):
            return None
        node = self._any("", 0)
        if not self._is("end"):
            raise self._unopened(self._tokens[self._next])
        return node

    def _is(self, *kinds: str) -> bool:
        return self._tokens[self._next].kind in kinds

    def _take(self, kind: str) -> bool:
        taken = self._is(kind)
        self._next += taken
        return taken

    def _any(self, field: str, depth: int) -> Node:
        nodes = [self._all(field, depth)]
        while self._take("OR"):
            nodes.append(self._all(field, depth))
        return any_of(nodes) or nodes[0]

    def _all(self, field: str, depth: int) -> Node:
        nodes = [self._not(field, depth)]
        while self._take("AND") or not self._is("OR", ")", "end"):
            nodes.append(self._not(field, depth))
        return all_of(nodes) or nodes[0]

    def _not(self, field: str, depth: int) -> Node:
        negated = False
        while self._take("NOT"):
            negated = not negated
        node = self._one(field, depth)
        if not negated:
            return node
        return node.node if isinstance(node, Not) else Not(node)

    def _one(self, field: str, depth: int) -> Node:
        token = self._tokens[self._next]
        if token.kind == "term" and token.term:
            self._next += 1
            return replace(token.term, field=token.term.field or field)
        if token.kind == "field" and token.term:
            self._next += 1
            field = token.term.field
        start = self._tokens[self._next].start
        if not self._take("("):
            raise self._missing(self._tokens[self._next], depth)
        if depth == _MAX_DEPTH:
            raise SearchError(
                "The search has too many groups within groups.",
                f"Use at most {_MAX_DEPTH}.",
                *(self._text, start, start + 1),
            )
        if self._is("end"):
            raise unclosed(self._text, start)
        node = self._any(field, depth + 1)
        if not self._take(")"):
            raise unclosed(self._text, start)
        return node

    def _missing(self, token: Token, depth: int) -> SearchError:
        before = self._tokens[self._next - 1] if self._next else None
        after = before.kind if before else ""
        if before and after == "(" and token.kind == ")":
            return SearchError(
                "A group in parentheses is empty.",
                "Write words in it, or remove it.",
                *(self._text, before.start, token.end),
            )
        if not depth and not after and token.kind == ")":
            return self._unopened(token)
        word = after if after in ("AND", "OR", "NOT") else token.kind
        side = "after" if word == after else "before"
        at = before if before and word == after else token
        return SearchError(
            f"A word is missing {side} {word}.",
            f"Write one, or put {word} in quotation marks to search for it.",
            *(self._text, at.start, at.end),
        )

    def _unopened(self, token: Token) -> SearchError:
        return SearchError(
            "A parenthesis is closed that is not open.",
            "Remove it, or put the text in quotation marks.",
            *(self._text, token.start, token.end),
            self._text[: token.start] + self._text[token.end :],
        )
