"""The places of a statement that read events: each is a SELECT of its own, or the whole.

The text is never regenerated from a syntax tree: a place is found by its tokens and only replaced
there, so that the rest of the statement keeps its meaning.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import Dialect, exp
from sqlglot.tokenizer_core import Token, TokenType

_DUCKDB = Dialect.get_or_raise("duckdb")
_SETS = (TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT)
_RELATION = (TokenType.FROM, TokenType.JOIN)
_QUERY = (TokenType.SELECT, TokenType.FROM, TokenType.WITH, TokenType.VALUES)
_TAIL = (TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET)
# What stands for a query of small tables, as a parameter or as a relation.
_LOCAL, _HIDDEN = "local_query_", "hidden_query_"


@dataclass(slots=True)
class EventRead:
    """A SELECT of events.

    It stands from *start* to *end* in the statement, and `events` in it from *at* to *upto*;
    *alias* is what it is called there. *tree* is its meaning, in which `$local_query_0` and the
    relation `local_query_0` stand for the query of small tables that *queries* has; others are
    hidden. *items* are the texts of what it selects, *head* is its text up to the order and limit,
    which are *tail*, and *names* are all words in it.
    """

    start: int
    end: int
    at: int
    upto: int
    alias: str
    has_alias: bool
    tree: exp.Select
    head: str
    tail: str
    names: frozenset[str]
    queries: dict[str, str] = field(default_factory=dict)


def event_reads(sql: str) -> list[EventRead]:
    """Return the places of *sql* that read events; raises `SqlglotError` or `ValueError`."""
    statement = _Statement(sql)
    return [statement.read(place) for place in statement.places()]


class _Statement:
    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._tokens: list[Token] = _DUCKDB.tokenize(sql)
        # The opening parenthesis that each token is in, and the closing one of each.
        self._inside: list[int] = []
        self._closing: dict[int, int] = {}
        opened = [-1]
        for index, token in enumerate(self._tokens):
            if token.token_type == TokenType.R_PAREN:
                self._closing[opened.pop()] = index
            self._inside.append(opened[-1])
            if token.token_type == TokenType.L_PAREN:
                opened.append(index)
        self._closing[-1] = len(self._tokens)

    def places(self) -> Iterator[int]:
        """Yield the tokens that name the events."""
        for index in range(1, len(self._tokens)):
            token = self._tokens[index]
            if token.text.lower() == "events" and self._is_relation(index):
                yield index

    def _is_relation(self, index: int) -> bool:
        before = self._tokens[index - 1].token_type
        return before in _RELATION or (
            before == TokenType.COMMA
            and self._last(index, (TokenType.FROM,)) > self._last(index, (TokenType.SELECT,))
            and self._last(index, (TokenType.WHERE,)) < self._last(index, (TokenType.FROM,))
        )

    def _last(self, index: int, types: tuple[TokenType, ...]) -> int:
        """Return the last token of *types* before *index* in the same parentheses, or -1."""
        for at in range(index - 1, self._inside[index], -1):
            if self._inside[at] == self._inside[index] and self._tokens[at].token_type in types:
                return at
        return -1

    def _first(self, start: int, end: int, types: tuple[TokenType, ...]) -> int:
        """Return the first token of *types* from *start* in the same parentheses, or *end*."""
        for at in range(start, end):
            if self._inside[at] == self._inside[start] and self._tokens[at].token_type in types:
                return at
        return end

    def read(self, place: int) -> EventRead:
        first = self._last(place, (TokenType.SELECT,))
        if first < 0:
            raise ValueError("events without SELECT")
        end = self._first(place, self._closing[self._inside[place]], _SETS)
        if self._last(place, _SETS) > first:
            raise ValueError("events without SELECT")
        following = self._tokens[place + 1] if place + 1 < end else None
        if following is not None and following.token_type == TokenType.ALIAS:
            following = self._tokens[place + 2]
        has_alias = following is not None and following.token_type == TokenType.VAR
        tail = self._first(place, end, _TAIL)
        text, queries = self._without_queries(first, end)
        tree = _DUCKDB.parse(text)[0]
        if not isinstance(tree, exp.Select):
            raise ValueError("not a SELECT")
        start = self._tokens[first].start
        return EventRead(
            start=start,
            end=self._tokens[end - 1].end + 1,
            at=self._tokens[place].start,
            upto=self._tokens[place].end + 1,
            alias=following.text if has_alias and following else "events",
            has_alias=has_alias,
            tree=tree,
            head=self._text(first, tail),
            tail=self._text(tail, end),
            names=frozenset(token.text for token in self._tokens[first:end]),
            queries=queries,
        )

    def _text(self, first: int, end: int) -> str:
        if first >= end:
            return ""
        return self._sql[self._tokens[first].start : self._tokens[end - 1].end + 1]

    def _without_queries(self, first: int, end: int) -> tuple[str, dict[str, str]]:
        """Return the text with a name in place of each query in parentheses, and these."""
        parts: list[str] = []
        queries: dict[str, str] = {}
        at, copied = first, self._tokens[first].start
        while at < end:
            token = self._tokens[at]
            is_query = (
                token.token_type == TokenType.L_PAREN
                and at + 1 < end
                and self._tokens[at + 1].token_type in _QUERY
            )
            if is_query:
                close = self._closing[at]
                inner = self._text(at + 1, close)
                hidden = any(at < place < close for place in self.places())
                name = f"{_HIDDEN if hidden else _LOCAL}{len(parts)}"
                if not hidden:
                    queries[name] = inner
                parts.append(self._sql[copied : token.start])
                parts.append(name if self._is_relation(at) else f"(${name})")
                at, copied = close, self._tokens[close].end + 1
            at += 1
        parts.append(self._sql[copied : self._tokens[end - 1].end + 1])
        return "".join(parts), queries
