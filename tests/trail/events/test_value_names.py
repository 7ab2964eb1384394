"""Test that a filter of names is read as the ids that they can only mean, and else explained."""

import datetime as dt
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.segment_records import api_event, ndjson
from tests.trail import random_trail
from tests.trail.random_trail import NOW
from trail.core.model import Directory, Person
from trail.events import counts, spelling, value_names
from trail.events.explain import Deadline
from trail.ingest import directory
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

AT = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def named(module_store: Store, module_load: Callable[[bytes], object]) -> Store:
    """Give a store with two people of one name, an address that moved, and Segment itself."""
    actors = ["users/u1", "users/u2", "users/u3", "users/u4", "__system__", "usr9"]
    emails = {"users/u3": "moved@example.com", "users/u4": "moved@example.com"}
    records = [
        api_event(
            number,
            actor=actor,
            actorEmail=emails.get(actor),
            without=[] if actor in emails else ["actorEmail"],
            type="Warehouse Deleted",
            resourceName=f"Prod {number % 2}",
            resourceId=f"wh{number}",
        )
        for number, actor in enumerate(actors)
    ]
    module_load(ndjson(records))
    people = (
        Person("users/u1", "Kim Ode", "kim@example.com"),
        Person("users/u2", "kim ode", "kim2@example.com"),
        Person("users/u8", "Élodie Roux", ""),
        Person("users/usr9", "Lee", ""),
    )
    directory.keep(module_store, Directory("w", "Example", "example", people))
    return module_store


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("actor=Segment", "actor=system"),
        ("actor=sEGMENT", "actor=system"),
        ("actor=-segment", "actor=-system"),
        ("actor=KIM@example.com", "actor=users/u1"),
        ("actor=users/U2", "actor=users/u2"),
        ("actor=usr9", "actor=users/usr9"),
        ("actor=LEE&actor=users/usr9&actor=system", "actor=users/usr9&actor=system"),
        ("actor=moved@example.com", "actor=moved@example.com"),
        ("actor=" + unicodedata.normalize("NFD", "élodie roux"), "actor=users/u8"),
        ("target=WH3", "target=wh3"),
        ("target=prod+1", "target=Prod 1"),
        ("category=warehouses", "category=Warehouses"),
        ("action=warehouses_disabled", "action=Warehouses Disabled"),
        ("outcome=SUCCESS", "outcome=success"),
        ("actor_type=person", "actor_type=user"),
        ("source=loaded+file", "source=file"),
    ],
)
def test_a_name_of_one_thing_is_read_as_it(named: Store, query: str, expected: str) -> None:
    filter_, misnamed = value_names.resolve(named, Filter.parse(query))
    assert (filter_, misnamed) == (Filter.parse(expected), ())
    assert value_names.resolve(named, filter_) == (filter_, ())


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (
            "actor=KIM+ODE",
            "More than one actor is called “KIM ODE”: Kim Ode (users/u1), kim ode (users/u2). "
            "Use one of these IDs.",
        ),
        ("actor=Segmant", "No actor is called “Segmant”. Did you mean Segment (system)?"),
        ("actor=users/nobody-here-at-all", "No actor is called “users/nobody-here-at-all”."),
        ("category=Warehuses", "No category is called “Warehuses”. Did you mean Warehouses?"),
        ("target=Prod", "No target is called “Prod”. Did you mean Prod 0 or Prod 1?"),
        ("outcome=maybe", "No outcome is called “maybe”."),
        ("actor=-x", "No actor is called “x”."),
    ],
)
def test_what_names_nothing_is_explained(named: Store, query: str, sentence: str) -> None:
    asked = Filter.parse(query)
    filter_, misnamed = value_names.resolve(named, asked)
    assert filter_ == asked
    assert [str(problem) for problem in misnamed] == [sentence]
    found = spelling.corrections(named, filter_, NOW, Deadline(), misnamed)
    assert {item.typed for item in found} <= {misnamed[0].value}
    assert len(found) == len(misnamed[0].meant)
    for item in found:
        assert value_names.resolve(named, item.filter) == (item.filter, ())


def test_one_actor_by_name(named: Store) -> None:
    names = ("kim@example.com", "Segment", "kim ode", "users/u1", "")
    ids = [value_names.actor_id(named, name) for name in names]
    assert ids == ["users/u1", "system", "kim ode", "users/u1", ""]


ROWS = random_trail.random_rows(31, 80)


@pytest.fixture(scope="module")
def store_of_rows(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Give a store of `ROWS`."""
    return random_trail.store_of(tmp_path_factory.mktemp("trail"), [row.raw for row in ROWS])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_every_value_on_screen_can_be_typed(store_of_rows: Store, data: st.DataObject) -> None:
    store = store_of_rows
    facets = counts.facets(store, Filter(), NOW).values
    facet = data.draw(st.sampled_from([f for f in value_names.NOUNS if facets.get(f)]))
    value = data.draw(st.sampled_from(facets[facet]))
    mode = data.draw(st.sampled_from(["include", "exclude"]))
    exact = Filter().put(facet, value.value, mode)
    assert value_names.resolve(store, exact) == (exact, ())
    typed = data.draw(st.sampled_from([value.value, value.label]))
    typed = data.draw(st.sampled_from([typed, typed.upper(), typed.lower()]))
    filter_, misnamed = value_names.resolve(store, Filter().put(facet, typed, mode))
    if misnamed:
        # Only what has the same name as something else.
        assert [value.value in dict(problem.meant) for problem in misnamed] == [True]
        assert misnamed[0].is_ambiguous
        return
    matched, wanted = (counts.count(store, item, NOW) for item in (filter_, exact))
    if facet == "target":  # chosen by ID, or by the name that was recorded
        chosen = filter_.choice("target")
        (name,) = chosen.include + chosen.exclude
        named = sum(name in (row.target_id, row.target_name) for row in ROWS)
        assert matched == (named if mode == "include" else len(ROWS) - named)
        assert named
        return
    # An e-mail of several actors chooses them all.
    assert filter_ == exact or (matched >= wanted if mode == "include" else matched <= wanted)
