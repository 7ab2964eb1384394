"""Kept search texts of versions before groups, OR and wildcards mean what they meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trail.random_trail import NOW
from trail.core.errors import FilterError
from trail.storage import earlier_search, query_pairs
from trail.storage.filters import Filter
from trail.storage.search_syntax import All, Node, Not, SearchError, Term, parse, read

_TEXTS = st.text(st.sampled_from('ab*"\\():-<>=.ORANDT7& ') | st.characters(codec="utf-8"))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a OR b", All((Term("", "a"), Term("", "OR"), Term("", "b")))),
        ("NOT a", All((Term("", "NOT"), Term("", "a")))),
        ("foo*", Term("", "foo*")),
        ("(x", Term("", "(x")),
        ("x)", Term("", "x)")),
        ("-(x", Not(Term("", "(x"))),
        ('"open', Term("", '"open')),
        ("actor:", Term("", "actor:")),
        ("actor:(a b)", All((Term("actor", "(a"), Term("", "b)")))),
        ("user:ana", Term("", "user:ana")),
        ("Actor:ana", Term("", "Actor:ana")),
        ("risk>7", Term("", "risk>7")),
        ("time:7d", Term("", "time:7d")),
        ("actor=ana", Term("", "actor=ana")),
        ('-""', None),
        ('raw:"a b" -c', All((Term("raw", "a b"), Not(Term("", "c"))))),
    ],
)
def test_the_earlier_meaning(text: str, meaning: Node | None) -> None:
    assert parse(earlier_search.current(text)) == meaning
    query = Filter(q=("x", text)).query()
    assert read(Filter.parse_signed(query).q) == read(
        Filter.parse(f"{query}&syntax=1").q
    )  # of an earlier version
    kept = Filter.parse(query_pairs.from_kept(query))
    assert read(kept.q) == read(("x", earlier_search.current(text)))


@given(text=_TEXTS.filter(str.strip))
def test_any_earlier_text_keeps_working(text: str) -> None:
    query = Filter(q=(text,), tz="Europe/Oslo").query()
    for filter_ in (Filter.parse_signed(query), Filter.parse(query_pairs.from_kept(query))):
        assert read(filter_.q) == parse(earlier_search.current(text))
        filter_.window(NOW)


@given(text=_TEXTS.filter(str.strip))
def test_a_text_that_is_kept_now_keeps_its_meaning(text: str) -> None:
    query = Filter(q=(text,)).query()
    try:
        meaning = read(Filter.parse(query).q)
    except SearchError:
        return
    kept = query_pairs.to_keep(query)
    assert query_pairs.to_keep(kept) == kept
    assert read(Filter.parse_signed(kept).q) == meaning
    assert read(Filter.parse(query_pairs.from_kept(kept)).q) == meaning


def test_only_what_is_ambiguous_is_marked() -> None:
    assert query_pairs.to_keep("q=plain+-word&kind=delete") == "q=plain+-word&kind=delete"
    assert query_pairs.to_keep("q=a+OR+b") == "q=a+OR+b&syntax=2"
    assert query_pairs.from_kept("q=a+OR+b") == "q=a+OR+b&syntax=1"
    assert query_pairs.from_kept("q=a+OR+b&syntax=2") == "q=a+OR+b&syntax=2"
    with pytest.raises(FilterError, match="Unknown syntax '3'"):
        Filter.parse("q=a&syntax=3")
