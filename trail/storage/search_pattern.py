"""SQL for whether values have the text of a search term, or match it if it has wildcards."""

import re
from collections.abc import Iterable

from trail.storage import record_text, search_text
from trail.storage.engine import Engine
from trail.storage.search_nodes import Term, pattern_parts

_ANY = ("*", True)

_FOLDED_TERM = record_text.fold("$term")
_VALUE = f"[^{record_text.SEPARATOR}]"


class Pattern:
    """The text of one term; values are compared without case and Unicode form.

    With wildcards, that of a field must match a whole value. One without a field may match anywhere
    in a value, since search texts omit values that are parts of others.
    """

    def __init__(self, engine: Engine, term: Term) -> None:
        # Arguments of a command may contain bytes that are not text.
        text = term.text.encode(errors="replace").decode()
        self._whole = term.field not in ("", "raw")
        row = engine.table(
            f"select {_FOLDED_TERM} as folded, lower($term) as lowered", {"term": text}
        ).to_pylist()[0]
        self._folded = self._parts(row["folded"], term)
        self._lowered = self._parts(row["lowered"], term)
        self._wildcards = any(is_wildcard for _, is_wildcard in self._folded)

    def _parts(self, text: str, term: Term) -> list[tuple[str, bool]]:
        parts = pattern_parts(text) if term.wildcards else [(text, False)]
        if self._whole:
            return parts
        while len(parts) > 1 and parts[0] == _ANY:
            del parts[0]
        while len(parts) > 1 and parts[-1] == _ANY:
            del parts[-1]
        return parts

    def value(self, sql: str) -> str:
        """Return the condition on *sql*, one value."""
        folded = record_text.fold(sql)
        if not self._wildcards:
            return f"contains({folded}, {quoted(self._longest())})"
        function = "regexp_full_match" if self._whole else "regexp_matches"
        return f"{function}({folded}, {quoted(_joined(self._folded))})"

    def any_value(self, columns: Iterable[str]) -> str:
        """Return the condition that one of *columns* matches."""
        return f"({' or '.join(map(self.value, columns))})"

    def folded_texts(self, sql: str) -> str:
        """Return the condition on *sql*, folded values joined as one text."""
        if not self._wildcards:
            return self._matches(sql)
        # Most texts lack the longest part, which is far cheaper to look for.
        found = f"contains({sql}, {quoted(self._longest())})"
        return f"case when {found} then {self._matches(sql)} end"

    def search_texts(self) -> str:
        """Return the condition on `search_texts`."""
        columns = search_text.columns_with(_literal(self._folded))
        return f"({' or '.join(map(self.folded_texts, columns))})"

    def values_of(self, raw: str) -> str:
        """Return the condition on the values of the record *raw*, read from it."""
        longest = quoted(self._longest())
        texts = self._matches(record_text.fold(record_text.values(raw)))
        return f"case when {record_text.may_contain(raw, longest)} then {texts} else false end"

    def record(self, raw: str) -> str:
        """Return the condition on the record *raw* as received."""
        if not self._wildcards:
            return f"contains(lower({raw}), {quoted(_literal(self._lowered))})"
        return f"regexp_matches(lower({raw}), {quoted(_joined(self._lowered))})"

    def _matches(self, sql: str) -> str:
        if not self._wildcards:
            return f"contains({sql}, {quoted(self._longest())})"
        expression = _joined(self._folded, _VALUE)
        if self._whole:
            edge = record_text.SEPARATOR
            expression = f"(?:^|{edge}){expression}(?:$|{edge})"
        return f"regexp_matches({sql}, {quoted(expression)})"

    def _longest(self) -> str:
        return max((part for part, is_mark in self._folded if not is_mark), key=len, default="")


def quoted(text: str) -> str:
    """Return *text* as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _literal(parts: list[tuple[str, bool]]) -> str:
    return "".join(part for part, is_wildcard in parts if not is_wildcard)


def _joined(parts: list[tuple[str, bool]], character: str = "(?s:.)") -> str:
    """Return the regular expression (RE2) of *parts*, whose wildcards stand for *character*s."""
    if all(part == _ANY for part in parts):
        return f"{character}+"  # a value that is missing or empty matches no wildcard
    marks = {"*": f"{character}*", "?": character}
    return "".join(marks[part] if is_wildcard else re.escape(part) for part, is_wildcard in parts)
