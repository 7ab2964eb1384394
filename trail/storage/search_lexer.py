"""Cuts a search text into tokens; see `search_syntax` for the grammar."""

import datetime as dt
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from trail.core.catalogue import RISK_LEVELS
from trail.storage import time_expressions
from trail.storage.search_nodes import (
    FIELDS,
    ORDERED_FIELDS,
    TEXT_FIELDS,
    SearchError,
    Term,
    pattern_parts,
)

# Names that people write for a field.
_OTHER_NAMES = {
    "actor": "user who by email username actor_id actor_name actor_email user_id",
    "action": "event event_type type action_raw verb",
    "kind": "operation",
    "target": "name resource object target_id target_name",
    "target_type": "resource_type object_type",
    "outcome": "status result success",
    "risk": "level severity score",
    "time": "date timestamp at occurred_at since created created_at",
    "id": "event_id message_id",
    "workspace": "workspace_id",
    "source": "collected collected_by collector",
    "changes": "change",
    "raw": "json record payload",
}
_FIELD_OF = {name: field for field, names in _OTHER_NAMES.items() for name in names.split()}

# What people write after these names, for messages.
_EXAMPLES = {
    **dict.fromkeys(TEXT_FIELDS, "a word or a phrase in quotation marks"),
    "risk": "risk>=7, risk:4..6 or risk:high",
    "time": "time>=2026-11-23, time<2026-11-23T14:30, time>=7d or time:yesterday",
}

MAX_WILDCARDS = 8  # of one term
_RISK = re.compile(r"(10|[0-9])(?:\.\.(10|[0-9]))?")

_MOMENT = re.compile(r"[0-9-]+(T[0-9:.,]+([Z+-][0-9:.,]*)?)?")
_NAME = re.compile(r"@?[A-Za-z][A-Za-z_]*")
_COMPARISON = re.compile(r":?([<>]=?|=)|:")
# After the name of a field, spaces may stand around it.
_SPACED = re.compile(r"\s*(?::?\s*([<>]=?|=)|:)\s*")
_UNEQUAL = re.compile(r"\s*(!=|<>)\s*")
_BETWEEN = re.compile(r"\[\s*(\S+)\s+TO\s+([^\s\]]+)\s*\]", re.IGNORECASE)
_PHRASE = re.compile(r'"((?:[^"\\]|\\.)*)("?)', re.DOTALL)
# Word processors and chats write these in place of straight ones.
_CURLY = re.compile(r"[“”„]([^“”„]+)[“”„](?=[\s)]|$)")
_ENDS = re.compile(r"[\s)]|$")
# A backslash before a letter or digit is one, as in `DOMAIN\user`.
_BACKSLASH = re.compile(r"\\([\W_])?", re.DOTALL)
_OPERATOR = re.compile(r"(?:AND|OR|NOT)(?=[\s()]|$)")


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a text: a `term`, a `field` before a group, or the sign or word itself."""

    kind: str
    start: int
    end: int
    term: Term | None = None


class Lexer:
    """Cuts a text into tokens."""

    def __init__(self, text: str) -> None:
        self._text = text

    def tokens(self) -> Iterator[Token]:
        """Yield the tokens in order, and one of the kind `end`. Raises `SearchError`."""
        text, at = self._text, 0
        while at < len(text):
            after_dash = False
            if text[at] == "-" and not _ENDS.match(text, at + 1):
                yield Token("NOT", at, at + 1)
                at, after_dash = at + 1, True
            operator = None if after_dash else _OPERATOR.match(text, at)
            if text[at].isspace():
                at += 1
                continue
            if operator:
                token = Token(operator[0], at, operator.end())
            elif text[at] in "()":
                token = Token(text[at], at, at + 1)
            else:
                token = self._term(at)
            if token.term != Term("", ""):
                yield token
            at = token.end
        yield Token("end", at, at)

    def _term(self, start: int) -> Token:
        name = _NAME.match(self._text, start)
        sign = self._sign(name) if name else None
        if name and sign:
            field = name[0].lower()
            if field in ORDERED_FIELDS:
                return self._ordered(field, start, sign)
            if field in TEXT_FIELDS and sign[1] is None:
                return self._text_field(field, start, sign.end())
            self._reject(name[0], sign, start)
        return self._word(start, start, "")

    def _sign(self, name: re.Match[str]) -> re.Match[str] | None:
        """Return the sign after *name*, with the spaces that a field may have around it."""
        text, end, field = self._text, name.end(), name[0].lower()
        sign = _COMPARISON.match(text, end)
        if field in FIELDS:
            unequal = _UNEQUAL.match(text, end)
            if unequal:
                raise self._unequal(field, name.start(), unequal)
            sign = _SPACED.match(text, end)
        elif field.startswith("@") and not (field[1:] in FIELDS or field[1:] in _FIELD_OF):
            return None  # an attribute of another product, or a handle
        if sign and text.startswith("://", sign.start()):
            return None
        return sign

    def _unequal(self, field: str, start: int, sign: re.Match[str]) -> SearchError:
        text = self._text
        dash = start > 0 and text[start - 1] == "-"
        before = text[: start - 1] if dash else f"{text[:start]}-"
        return SearchError(
            f"{field} cannot be compared with {sign[1]}.",
            f"Write -{field}: to leave a value out.",
            *(text, start, sign.end()),
            f"{before}{field}:{text[sign.end() :]}",
        )

    def _reject(self, name: str, sign: re.Match[str], start: int) -> None:
        """Raise for a name that is near to a field, and for a sign that a field does not have.

        What is near to none is a word, as `urn:x`.
        """
        text, end, field = self._text, start + len(name), name.lower().removeprefix("@")
        if name.lower() in TEXT_FIELDS:
            raise SearchError(
                f"{field} cannot be compared with {sign[1]}.",
                f"Write {field}: before the value.",
                *(text, start, sign.end()),
                text[:start] + f"{field}:" + text[sign.end() :],
            )
        if field in ("finding", "findings") and sign[0].startswith(":"):
            # Not everybody may see them, and a text that is kept must not depend on decisions.
            raise SearchError(
                "A search cannot select by finding.",
                "Choose the state under Finding, or put the text in quotation marks.",
                *(text, start, end),
            )
        near = difflib.get_close_matches(field, FIELDS, 1, 0.75) if len(field) > 3 else []
        meant = _FIELD_OF.get(field) or next(iter(near), "")
        if meant in ORDERED_FIELDS or (meant and sign[0].startswith(":")):
            raise SearchError(
                f"Unknown field '{name}'. Did you mean {meant}?",
                "Put the text in quotation marks to search for it as it is.",
                *(text, start, end),
                text[:start] + meant + text[end:],
            )

    def _text_field(self, field: str, start: int, at: int) -> Token:
        if self._text.startswith("(", at):
            return Token("field", start, at, Term(field, ""))
        is_value = not (self._text[at - 1].isspace() and _OPERATOR.match(self._text, at))
        token = self._word(start, at, field) if is_value else Token("", start, at)
        if not (token.term and token.term.text):
            raise SearchError(
                f"{field}: has no value.",
                f"Write {_EXAMPLES[field]} after it.",
                *(self._text, start, token.end),
            )
        return token

    def _ordered(self, field: str, start: int, sign: re.Match[str]) -> Token:
        between = _BETWEEN.match(self._text, sign.end())
        if between:
            raise self._between(field, start, between)
        end = self._end_of_word(sign.end())
        value = self._text[sign.end() : end]
        if field == "risk" or not any(character in value for character in "TZ"):
            value = value.lower()
        comparison = "" if sign[1] in (None, "=") else sign[1]
        readable = _is_risk if field == "risk" else _is_time
        if not readable(value, comparison):
            said = (
                f"{field} cannot be compared with '{value}'." if value else f"{field} has no value."
            )
            raise SearchError(said, f"Write {_EXAMPLES[field]}.", self._text, start, end)
        return Token("term", start, end, Term(field, value, comparison=comparison))

    def _between(self, field: str, start: int, range_: re.Match[str]) -> SearchError:
        first, last = range_.groups()
        meant = f"{field}:{first}..{last}"
        if "*" in (first, last):
            meant = f"{field}>={first}" if last == "*" else f"{field}<={last}"
        return SearchError(
            f"{field} cannot be compared with '{range_[0]}'.",
            f"Write {_EXAMPLES[field]}.",
            *(self._text, start, range_.end()),
            self._text[:start] + meant + self._text[range_.end() :],
        )

    def _word(self, start: int, at: int, field: str) -> Token:
        curly = _CURLY.match(self._text, at)
        if curly:
            return Token("term", start, curly.end(), Term(field, curly[1]))
        if self._text.startswith('"', at):
            phrase = _PHRASE.match(self._text, at)
            assert phrase
            if not phrase[2]:
                raise SearchError(
                    "The quotation mark is not closed.",
                    'End the phrase with ", or write \\" for the character.',
                    *(self._text, at, len(self._text)),
                    self._text.rstrip("\\") + '"',
                )
            text = re.sub(r"\\(.)", r"\1", phrase[1], flags=re.DOTALL)
            return Token("term", start, phrase.end(), Term(field, text))
        end = self._end_of_word(at)
        word = self._text[at:end]
        pattern = _BACKSLASH.sub(_in_pattern, word)
        parts = pattern_parts(pattern)
        if (count := parts.count(("*", True))) > MAX_WILDCARDS:
            raise SearchError(
                f"The word has {count} wildcards.",
                f"Use at most {MAX_WILDCARDS}, or put it in quotation marks.",
                *(self._text, at, end),
            )
        if any(is_wildcard for _, is_wildcard in parts):
            return Token("term", start, end, Term(field, pattern, wildcards=True))
        return Token("term", start, end, Term(field, "".join(part for part, _ in parts)))

    def _end_of_word(self, start: int) -> int:
        """Return where a word ends: at a space, or at a parenthesis that it did not open."""
        opened: list[int] = []
        at = start
        while at < len(self._text) and not self._text[at].isspace():
            escape = _BACKSLASH.match(self._text, at)
            if escape:
                at = escape.end()
                continue
            if self._text[at] == "(":
                opened.append(at)
            elif self._text[at] == ")":
                if not opened:
                    break
                opened.pop()
            at += 1
        if opened:
            raise unclosed(self._text, opened[-1])
        return at


def _in_pattern(escape: re.Match[str]) -> str:
    """Return what `pattern_parts` reads as the character that *escape* in a word stands for."""
    character = escape[1] or "\\"
    return f"\\{character}" if character in "*?\\" else character


def unclosed(text: str, start: int) -> SearchError:
    """Return the error of a parenthesis at *start* that is not closed."""
    return SearchError(
        "A parenthesis is not closed.",
        "Close it, or put the text in quotation marks.",
        *(text, start, start + 1),
        text.rstrip() + ")",
    )


def risk_range(term: Term) -> tuple[int, int]:
    """Return the lowest and the highest risk that *term*, one of the field `risk`, allows."""
    if term.text in RISK_LEVELS:
        return RISK_LEVELS[term.text]
    found = _RISK.fullmatch(term.text)
    assert found
    first, last = int(found[1]), int(found[2] or found[1])
    return {
        "": (first, last),
        ">=": (first, 10),
        ">": (first + 1, 10),
        "<=": (0, first),
        "<": (0, first - 1),
    }[term.comparison]


def _is_risk(value: str, comparison: str) -> bool:
    if comparison:
        return bool(_RISK.fullmatch(value)) and ".." not in value
    return value in RISK_LEVELS or bool(_RISK.fullmatch(value))


def _is_time(value: str, comparison: str) -> bool:
    first, dots, last = value.partition("..")
    if dots and not comparison:
        return _is_moment(first) and _is_moment(last)
    return not dots and _is_moment(value)


def _is_moment(text: str) -> bool:
    if time_expressions.is_relative(text):
        return True
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return bool(_MOMENT.fullmatch(text))
