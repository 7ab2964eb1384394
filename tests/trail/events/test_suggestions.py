"""Suggestions name what a search finds, by the beginnings of words."""

import datetime as dt
from collections.abc import Iterator

import pytest

from tests.trail import random_trail
from tests.trail.random_trail import NOW, event
from trail.core.errors import FilterError
from trail.events import counts
from trail.events.suggestions import suggest
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

_SHOP = ("source", "src_1", "Café web-shop")
EVENTS = (
    event("e1", "2026-10-01T10:00", "Source Created", actor="users/ana", target=_SHOP),
    event("e2", "2026-10-02T10:00", "Source Deleted", actor="users/bo", email="Bo@x.example"),
    event("e3", "2026-10-03T10:00", "Source Deleted", actor="users/bo", email="Bo@x.example"),
    event("e4", "2026-10-04T10:00", "User Invite Sent", target=("invite", "inv-9", "50% off [a")),
    event("e5", "2026-01-04T10:00", "Source Deleted", target=("source", "src_2", "Shop")),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `EVENTS`."""
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), EVENTS)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("field", "prefix", "expected"),
    [
        ("action", "SOUR", [("Source Deleted", 2), ("Source Created", 1)]),
        ("action", "del", [("Source Deleted", 2)]),
        ("action", "ource", []),
        ("actor", "bo@", [("users/bo", 2)]),
        ("actor", "an", [("users/ana", 1)]),
        ("target", "CAFE\u0301", [("Café web-shop", None)]),
        ("target", "sho", [("Shop", None), ("Café web-shop", None)]),
        ("target", "sh", [("Shop", None)]),
        ("target", "src_", [("src_1", None), ("src_2", None)]),
        ("target", "off [", [("50% off [a", None)]),
        ("target", "source", []),
        ("target", "' or $text", []),
        ("", "sou", [("Source Deleted", 2), ("Source Created", 1)]),
        ("", "  ", []),
        ("", "\udcff\0", []),
    ],
)
def test_values_are_suggested_by_the_beginning_of_a_word(
    store: Store, field: str, prefix: str, expected: list[tuple[str, int | None]]
) -> None:
    found = suggest(store, field, prefix, NOW)
    assert [(item.value, item.count) for item in found] == expected
    for item in found:
        if item.count:
            since = (NOW - dt.timedelta(days=90)).date().isoformat()
            chosen = Filter.parse([("from", since), (item.field, item.value)])
            assert counts.count(store, chosen, NOW) == item.count


def test_a_few_values_are_suggested_of_a_known_field(store: Store) -> None:
    assert len(suggest(store, "action", "s", NOW, 1)) == 1
    with pytest.raises(FilterError, match="Unknown field"):
        suggest(store, "colour", "r", NOW)
