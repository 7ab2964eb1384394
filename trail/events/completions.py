"""Completions of a search text at the cursor: fields of the grammar, and values in the results.

The values and their counts are those of the events that the rest of the search and the other
filters select in the window. No query reads more than a page of results does.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from trail.core.errors import FilterError
from trail.events import counts
from trail.events.facet_values import Listing
from trail.events.scanned_facets import SCANNED
from trail.events.search_results import search_matches
from trail.storage import collected_by, record_text, search_syntax
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.facet_columns import ON_FLAG
from trail.storage.filters import Filter
from trail.storage.search_help import FIELDS
from trail.storage.time_expressions import WEEK_STARTS
from trail.storage.where import select

# What may follow the field where no event has to be read for it.
_CONSTANT = {
    **dict.fromkeys(("changes", *ON_FLAG), (":yes", ":no")),
    "source": tuple(f":{way}" for way in collected_by.NAMES if way != "demo"),
    "risk": (":high", ":medium", ":low", ">=7", ">=4", ":0", ":10"),
    "time": (">=1h", ">=24h", ">=7d", ">=30d", ":today", ":yesterday"),
}
_COUNTED = ("action", "actor", "target", "target_type", "category", "kind", "outcome")
_OF_ONE_FIELD = (*_COUNTED, "actor_type", "workspace")

MOST_FIELDS = 5
MOST_VALUES, _MOST_OF_A_FIELD = 8, 3
_MOST_READ = 50  # actors and targets, before those of the window are ranked
_MOST_RANKED = 1000  # targets, before those of one name are summed
_MAX_CHARS = 200

_PHRASE = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_GROUPED = re.compile(r"[()]|\bOR\b")
_WORD = re.compile(r"[\w.@/+-]*[\w@/+]")
# A dash, a field with its sign, and text.
_TERM = re.compile(r"(-?)(?:([A-Za-z_]+)\s*(:?[<>]=?|:=?)\s*)?(.*)", re.DOTALL)
# A field whose sign has spaces around it, up to the cursor.
_SPACED = re.compile(r"(?:^|[\s(])(-?([A-Za-z_]+)\s*(?::?[<>]=?|:=?)\s*(?:\"[^\"]*|[^\s()\"]*))$")


@dataclass(frozen=True, slots=True)
class Field:
    """A field that is offered: its description, and its values in the results if counted."""

    name: str
    description: str
    values: int | None


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a field, the term that searches for it, and its events in the results."""

    field: str
    value: str
    term: str
    count: int | None


@dataclass(frozen=True, slots=True)
class Completions:
    """What may stand between `before` and `after`, in place of the term at the cursor.

    `typed` is the part of that term that the values begin with.
    """

    before: str
    after: str
    typed: str
    fields: tuple[Field, ...]
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """The term at the cursor: what stands before and after it, its field and sign, its text.

    `before` has its dash, `rest` is all the text without it.
    """

    before: str
    after: str
    rest: str
    field: str
    sign: str
    typed: str


def complete(
    store: Store, filter_: Filter, text: str, cursor: int, now: dt.datetime, week_start: int
) -> Completions:
    """Return the completions of the search *text* at *cursor*, at the moment *now* (aware).

    *filter_* is that of the page; its search is replaced by *text* without the term at the cursor.
    A value is offered if a word of it begins as typed, regardless of case and accents. Weeks that
    are offered start on *week_start* (Monday is 0).
    """
    place = _place(text[: search_syntax.MAX_CHARS], cursor)
    typed = place.typed[:_MAX_CHARS]
    before, after = place.before, place.after
    if place.field in _CONSTANT:
        return Completions(before, after, typed, (), _constant(place, week_start))
    if place.sign and place.field not in _OF_ONE_FIELD:
        return Completions(before, after, typed, (), ())
    named = () if place.sign else tuple(_fields(typed))
    asked = (place.field,) if place.sign else _COUNTED if typed else ()
    rest = _rest(filter_, place.rest)
    with search_matches(store, rest, now) as (engine, selected):
        reader = _Reader(engine, selected, now, typed)
        found = [value for name in asked for value in reader.values(name, len(asked))]
        fields = tuple(Field(name, FIELDS[name], reader.number(name)) for name in named)
    found.sort(key=lambda item: (-(item.count or 0), item.field, item.value))
    return Completions(before, after, typed, fields, tuple(found[:MOST_VALUES]))


def fold(text: str) -> str:
    """Return *text* without case and accents, for comparing what people type with names."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def term(field: str, value: str) -> str:
    """Return the search term for *value* of *field*, as a phrase where it is not one word."""
    return f"{field}:{value if _WORD.fullmatch(value) else search_syntax.quoted(value)}"


def _place(text: str, cursor: int) -> _Place:
    """Return the term of *text* at *cursor*: up to the next space, or to the end of its phrase."""
    cursor = min(max(cursor, 0), len(text))
    start = _start(text[:cursor])
    written = text[start:cursor]
    after = text[cursor:]
    end = re.match(r'[^"]*"?' if written.count('"') % 2 else r'[^\s()"]*', after)
    assert end
    match = _TERM.fullmatch(written)
    assert match
    dash, name, sign, typed = match.groups(default="")
    if name.lower() not in FIELDS:
        name, sign, typed = "", "", written[len(dash) :]
    rest = after[end.end() :]
    return _Place(
        text[:start] + dash, rest, text[:start] + rest, name.lower(), sign, typed.strip('"')
    )


def _start(text: str) -> int:
    """Return where the term that ends *text* begins."""
    start, is_phrase, at = 0, False, 0
    while at < len(text):
        sign = text[at]
        if is_phrase:
            at += sign == "\\"
            is_phrase = sign != '"'
        elif sign == '"':
            is_phrase = True
        elif sign.isspace() or sign == "(":
            start = at + 1
        at += 1
    spaced = _SPACED.search(text)
    if spaced and spaced[2].lower() in FIELDS and text[: spaced.start(1)].count('"') % 2 == 0:
        return min(start, spaced.start(1))
    return start


def _rest(filter_: Filter, search: str) -> Filter:
    """Return *filter_* with *search* if all of its terms must hold, else without a search."""
    if _GROUPED.search(_PHRASE.sub("", search)):
        return replace(filter_, q=())
    rest = replace(filter_, q=(search.strip(),) if search.strip() else ())
    try:
        rest.check()
    except FilterError:
        return replace(filter_, q=())
    return rest


def _fields(typed: str) -> Iterable[str]:
    """Return the fields of which a word begins as *typed*, those whose name does first."""
    text = fold(typed)
    known = list(FIELDS)
    if not text:
        return known[:MOST_FIELDS]
    by_name = [name for name in known if name.startswith(text)]
    by_word = [name for name in known if _begins(name, text)]
    return list(dict.fromkeys([*by_name, *by_word]))[:MOST_FIELDS]


def _constant(place: _Place, week_start: int) -> tuple[Value, ...]:
    written = place.sign + place.typed
    known = _CONSTANT[place.field]
    if place.field == "time":
        known += tuple(f":{which}_week{WEEK_STARTS[week_start]}" for which in ("this", "last"))
    terms = (text for text in known if text.startswith(written))
    return tuple(Value(place.field, text, place.field + text, None) for text in terms)


def _begins(text: str, typed: str) -> bool:
    """Return whether a word of *text* begins with *typed*, which is folded."""
    return re.search(rf"(?:^|[\W_]){re.escape(typed)}", fold(text)) is not None


class _Reader:
    """Reads values with their counts of the events that a filter selects."""

    def __init__(self, engine: Engine, filter_: Filter, now: dt.datetime, typed: str) -> None:
        self._engine, self._filter, self._now = engine, filter_, now
        self._typed, self._folded = typed, fold(typed)
        self._known: dict[Listing, counts.Facets] = {}

    def values(self, name: str, of_fields: int) -> list[Value]:
        """Return the values of field *name* that begin as typed, most events first."""
        pairs = self._targets if name == "target" else self._facet
        most = MOST_VALUES if of_fields == 1 else _MOST_OF_A_FIELD
        found = [(value, n) for value, n in pairs(name) if value and n]
        return [Value(name, value, term(name, value), n) for value, n in found[:most]]

    def number(self, name: str) -> int | None:
        """Return the number of values of field *name*; None where it is not counted."""
        if name == "actor":
            return self._facets(Listing(top=1)).listable["actor"]
        if name == "target":
            selected = select(self._engine, self._filter, self._now)
            sql = "select count(distinct e.target_key) as n from events e where "
            return int(self._engine.table(sql + selected.timed(), selected.params)["n"][0].as_py())
        if name in counts.COUNTED and name not in SCANNED:
            return sum(1 for item in self._facets(Listing(top=1)).values[name] if item.count)
        return None

    def _facets(self, actors: Listing) -> counts.Facets:
        if actors not in self._known:
            self._known[actors] = counts.facets(
                self._engine, self._filter, self._now, actors, leave_out=SCANNED
            )
        return self._known[actors]

    def _passes(self, name: str, value: str) -> bool:
        """Return whether the filter's own choice of the facet leaves *value* in the results."""
        choice = self._filter.choice(name)
        return (not choice.include or value in choice.include) and value not in choice.exclude

    def _facet(self, name: str) -> Iterable[tuple[str, int]]:
        typed = self._typed if name == "actor" else ""
        for item in self._facets(Listing(typed, _MOST_READ)).values[name]:
            if self._passes(name, item.value) and _begins(item.label, self._folded):
                yield item.label, item.count

    def _targets(self, _name: str) -> list[tuple[str, int]]:
        selected = select(self._engine, self._filter, self._now)
        where, params = selected.timed(), dict(selected.params)
        if self._folded:
            known = "strip_accents(search_text)"
            typed = f"strip_accents({record_text.fold('$typed')})"
            where += (
                f" and e.target_key in (select target_key from targets where "
                f"contains({known}, {typed}) and regexp_matches({known}, $word))"
            )
            params["typed"] = self._folded
            params["word"] = rf"(?:^|[^\pL\pN]){re.escape(self._folded)}"
        # Ranked by key first: names are read of those alone that can be listed.
        sql = (
            "with ranked as (select e.target_key, count(*) as n from events e "
            f"where {where} group by all order by n desc, e.target_key limit {_MOST_RANKED}) "
            "select coalesce(nullif(target_name, ''), target_id) as value, sum(n)::bigint as n "
            "from ranked join targets using (target_key) group by all order by n desc, value"
        )
        table = self._engine.table(sql, params)
        rows = zip(table["value"].to_pylist(), table["n"].to_pylist(), strict=True)
        return [(value, n) for value, n in rows if _begins(value, self._folded)][:_MOST_READ]
