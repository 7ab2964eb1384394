"""A page reads what it can of a query string, and says what it left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core.errors import FilterError
from trail.storage import readable_filter
from trail.storage.filters import FACETS, Filter

NAMES = ("from", "to", "tz", "sort", "q", *FACETS, "utm_source", "event id", "syntax")
VALUES = (
    "7d",
    "2026-11-03",
    "UTC",
    "Mars/Olympus",
    "newest",
    "zz",
    "yes",
    "-no",
    "",
    "x" * 5_000,
    "(",
    "1",
)


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=12))
def test_what_is_left_out_is_named_and_the_rest_is_a_valid_filter(
    pairs: list[tuple[str, str]],
) -> None:
    filter_, left_out = readable_filter.read(pairs)
    filter_.check()
    names = {problem.name for problem in left_out}
    kept = [pair for pair in pairs if pair[0] not in names]
    assert Filter.parse(kept) == filter_
    try:
        strict = Filter.parse(pairs)
    except FilterError:
        assert left_out
    else:
        assert (filter_, left_out) == (strict, ())


@pytest.mark.parametrize(
    ("query", "name", "part"),
    [
        ("from=xyz&category=Source", "from", "'xyz'"),
        ("tz=Mars&from=2026-11-03", "tz", "'Mars'"),
        ("from=2026-11-05&to=2026-11-01", "to", "ends before it starts"),
        ("q=(x&kind=delete", "q", "(Search text, character 1.)"),
        ("verified=maybe&verified=yes&q=a", "verified", "'maybe'"),
    ],
)
def test_reason_of_what_cannot_be_read(query: str, name: str, part: str) -> None:
    pairs = [(item.split("=")[0], item.split("=")[1]) for item in query.split("&")]
    _, left_out = readable_filter.read(pairs)
    assert [problem.name for problem in left_out] == [name]
    assert part in left_out[0].reason


def test_a_search_of_an_earlier_version_is_read_with_its_syntax() -> None:
    pairs = [("from", "zz"), ("q", "(x"), ("syntax", "1")]
    filter_, left_out = readable_filter.read(pairs)
    assert (filter_.q, [problem.name for problem in left_out]) == (('"(x"',), ["from"])


def test_parameter_of_no_filter_has_no_reason() -> None:
    filter_, left_out = readable_filter.read([("utm_source", "mail"), ("outcome", "failure")])
    assert left_out == (readable_filter.Unreadable("utm_source"),)
    assert filter_.choice("outcome").include == ("failure",)
