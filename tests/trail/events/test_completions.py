"""Completions of a search text: the term at the cursor, and values that the search finds."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import NOW, event
from trail.events import counts
from trail.events.completions import complete
from trail.storage import search_help, search_syntax
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.storage.time_expressions import MONDAY, SUNDAY

_SHOP = ("source", "src_1", "Café web-shop")
_QUOTED = ("warehouse", "wh_1", 'Says "hi" \\ (EU)')
EVENTS = (
    event("e1", "2026-10-01T10:00", "Source Created", actor="users/ana", target=_SHOP),
    event("e2", "2026-10-02T10:00", "Source Deleted", actor="users/bo", target=_SHOP),
    event("e3", "2026-10-03T10:00", "Source Deleted", actor="users/bo", target=_SHOP),
    event("e4", "2026-10-04T10:00", "Warehouses Disabled", actor="users/bo", target=_QUOTED),
    event("e5", "2026-01-04T10:00", "Source Deleted", actor="users/bo"),
)
_MONTH = Filter.parse("from=2026-10-01&to=2026-11-01")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `EVENTS`."""
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), EVENTS)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("text", "before", "after", "typed", "values"),
    [
        ("kind:", "", "", "", [("kind:delete", 2), ("kind:create", 1), ("kind:disable", 1)]),
        ("kind:DE", "", "", "DE", [("kind:delete", 2)]),
        ("so| web", "", " web", "so", [('action:"Source Deleted"', 2)]),
        ("-actor:bo", "-", "", "bo", [("actor:users/bo", 3)]),
        ("target:says", "", "", "says", [(r'target:"Says \"hi\" \\ (EU)"', 1)]),
        (
            'target:"Café w|eb" kind:delete',
            "",
            " kind:delete",
            "Café w",
            [('target:"Café web-shop"', 2)],
        ),
        ("(kind:delete OR kind:dis", "(kind:delete OR ", "", "dis", [("kind:disable", 1)]),
        ("kind:delete action:so", "kind:delete ", "", "so", [('action:"Source Deleted"', 2)]),
        ("action:zzz", "", "", "zzz", []),
        ("-actor : bo", "-", "", "bo", [("actor:users/bo", 3)]),
        ('target: "Café w', "", "", "Café w", [('target:"Café web-shop"', 3)]),
        ("target:cafe", "", "", "cafe", [('target:"Café web-shop"', 3)]),
        ("target:CAFÉ", "", "", "CAFÉ", [('target:"Café web-shop"', 3)]),
        ("target:afé", "", "", "afé", []),
        ('"actor: so', "", "", "actor: so", []),
        ("target:' or 1", "target:' or ", "", "1", []),
    ],
)
def test_values_complete_the_term_at_the_cursor(
    store: Store, text: str, before: str, after: str, typed: str, values: list[tuple[str, int]]
) -> None:
    cursor = text.index("|") if "|" in text else len(text)
    found = complete(store, _MONTH, text.replace("|", ""), cursor, NOW, MONDAY)
    assert (found.before, found.after, found.typed) == (before, after, typed)
    mine = [(value.term, value.count) for value in found.values]
    assert [pair for pair in mine if pair in values] == values
    if ":" in text:
        assert mine == values


def test_values_and_counts_follow_the_filters(store: Store) -> None:
    only = replace(_MONTH.put("actor", "users/ana", "include"), q=("zzz",))
    assert [value.term for value in complete(store, only, "kind:", 5, NOW, MONDAY).values] == [
        "kind:create"
    ]
    without = _MONTH.put("kind", "delete", "exclude")
    terms = {value.term for value in complete(store, without, "kind:", 5, NOW, MONDAY).values}
    assert terms == {"kind:create", "kind:disable"}


def test_fields_have_their_numbers_of_values(store: Store) -> None:
    found = complete(store, _MONTH, "t", 1, NOW, MONDAY)
    numbers = {field.name: field.values for field in found.fields}
    assert (numbers["target"], numbers["target_type"]) == (2, 2)
    assert set(search_syntax.FIELDS) == set(search_help.FIELDS)


_PIECES = (
    "kind:",
    "-",
    '"',
    "(",
    ")",
    " OR ",
    "actor:",
    "so",
    "Café",
    "\\",
    " ",
    "*",
    "\0",
    "time>",
)


@given(st.lists(st.sampled_from(_PIECES), max_size=8), st.integers(0, 40))
def test_a_completed_search_finds_the_events_that_were_counted(
    store: Store, pieces: list[str], cursor: int
) -> None:
    text = "".join(pieces)
    found = complete(store, _MONTH, text, cursor, NOW, MONDAY)
    cut = min(cursor, len(text))
    assert text.startswith(found.before)
    assert text.endswith(found.after)
    assert len(found.before) <= cut <= len(text) - len(found.after)
    for value in found.values:
        if value.count is not None and not (found.before + found.after).strip():
            searched = replace(_MONTH, q=(value.term,))
            assert counts.count(store, searched, NOW) == value.count


def test_weeks_that_complete_a_time_are_those_of_the_reader(store: Store) -> None:
    found = complete(store, _MONTH, "time:last", 9, NOW, SUNDAY)
    assert [value.term for value in found.values] == ["time:last_week_sun"]
    assert complete(store, _MONTH, "time:la", 7, NOW, MONDAY).values[0].term == "time:last_week"
