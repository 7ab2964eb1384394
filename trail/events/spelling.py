"""Find what a search word that no name has was meant to be: the closest word of a known name."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

from trail.events import counts, question_words
from trail.events.explain import Deadline
from trail.events.value_names import Misnamed
from trail.storage import record_text, search_syntax
from trail.storage.engine import Engine
from trail.storage.filters import Filter
from trail.storage.search_syntax import Node, Not, Term

_LEAST_CHARS, _MOST_CHARS = 3, 60
_MAX_WORDS = 6
# The fields in which a word without a field is searched for, and those of one list of values.
_NAMED, _LISTED = ("action", "actor", "target"), ("category", "kind", "outcome", "target_type")
_FIELDS = ("", *_NAMED, *_LISTED)
# Names by field; the search text of a target is folded already, and is its type, ID and name.
_NAMES = {
    "action": f"select {record_text.fold('action')} as name from actions",
    "actor": " union all ".join(
        f"select {record_text.fold(column)} as name from actors"
        for column in ("actor_name", "actor_email", "actor_id")
    ),
    "target": "select split_part(search_text, chr(31), 3) as name from targets",
    "target_type": f"select {record_text.fold('target_type')} as name from targets",
    **{
        column: f"select {record_text.fold(column)} as name from actions"
        for column in ("category", "kind", "outcome")
    },
}
# A phrase is compared with whole names, a word with their words.
_CLOSEST = r"""
with names as ({names}), known as (
 select exists (select 1 from names where contains(name, {typed})) as is_known
), words as (
 select distinct unnest(if(contains({typed}, ' '), [name],
  regexp_split_to_array(name, '[^\pL\pN]+'))) as word
 from names, known where not is_known
)
select word from words
where abs(length(word) - length({typed})) <= $most and length(word) > 2
 and damerau_levenshtein(word, {typed}) <= $most
order by damerau_levenshtein(word, {typed}), jaro_winkler_similarity(word, {typed}) desc, word
limit 1
"""


@dataclass(frozen=True, slots=True)
class Correction:
    """A word or value as it was typed and as it was probably meant, and the filter with the latter.

    That filter has `events` in the window; None where counting them takes too long.
    """

    typed: str
    meant: str
    filter: Filter
    events: int | None


def corrections(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    deadline: Deadline,
    misnamed: Iterable[Misnamed] = (),
) -> list[Correction]:
    """Return the corrections of *filter_*'s search and *misnamed* values, most events first."""

    def count(corrected: Filter) -> int | None:
        return deadline.ask(lambda: counts.count(engine, corrected, now))

    result = []
    for problem in misnamed:
        mode = filter_.state(problem.facet, problem.value)
        rest = filter_.put(problem.facet, problem.value, "")
        for (value, _), name in zip(problem.meant[:_MAX_WORDS], problem.names, strict=False):
            corrected = rest.put(problem.facet, value, mode)
            result.append(Correction(problem.value, name, corrected, count(corrected)))
    terms = dict.fromkeys(
        term
        for term in search_syntax.terms(search_syntax.read(filter_.q), wanted=True)
        if term.field in _FIELDS
        and not (term.wildcards or term.comparison)
        and _LEAST_CHARS <= len(term.text) <= _MOST_CHARS
    )
    for term in list(terms)[:_MAX_WORDS]:
        meant = deadline.ask(lambda term=term: _value_of(term) or _closest(engine, term))  # type: ignore[misc]
        if not meant:
            continue
        q = tuple(_corrected(text, term, meant) for text in filter_.q)
        corrected = replace(filter_, q=q)
        result.append(Correction(term.text, meant, corrected, count(corrected)))
    return sorted(result, key=lambda correction: -(correction.events or 0))


def _value_of(term: Term) -> str:
    """Return the value of the field of *term* that its verb names: `delete` for `kind:deleted`."""
    word = term.text.casefold()
    value = question_words.kind_of(word) if term.field == "kind" else ""
    if term.field == "outcome":
        value = dict(question_words.PHRASES.get(word, ())).get("outcome", "")
    return "" if word in value else value


def _closest(engine: Engine, term: Term) -> str | None:
    """Return the word of a name that *term* is close to; None if a name has it, or none is close.

    One letter may differ for every three.
    """
    names = " union all ".join(_NAMES[name] for name in ([term.field] if term.field else _NAMED))
    typed = record_text.fold("$typed")
    table = engine.table(
        _CLOSEST.replace("{names}", names).replace("{typed}", typed),
        {"typed": term.text, "most": max(len(term.text) // 3, 1)},
    )
    return table["word"][0].as_py() if table.num_rows else None


def _corrected(text: str, term: Term, meant: str) -> str:
    def corrected(node: Node) -> Node:
        match node:
            case Term():
                return replace(node, text=meant) if node == term else node
            case Not(inner):
                return Not(corrected(inner))
            case _:
                return replace(node, nodes=tuple(map(corrected, node.nodes)))

    node = search_syntax.parse(text)
    return search_syntax.written(corrected(node)) if node else text
