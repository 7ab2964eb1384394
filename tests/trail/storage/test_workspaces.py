"""The workspaces of events, by ID and by name, in every way of asking."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import NOW, SPACE
from trail.events import completions, counts, export, value_names
from trail.storage import cursors, workspaces
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

ROWS = random_trail.random_rows(11, 120)
NAMED = {SPACE[0]: "EU production", SPACE[1]: "US production"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS` whose workspaces have names."""
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), [row.raw for row in ROWS])
    _name(opened, NAMED)
    yield opened
    opened.close()


def _name(store: Store, names: dict[str, str]) -> None:
    for id_, name in names.items():
        store.write(lambda cursor, id_=id_, name=name: workspaces.put_name(cursor, id_, name))  # type: ignore[misc]


def _exported(store: Store, filter_: Filter) -> list[str]:
    chosen = export.Export(filter_, "csv", ("event_id", "workspace_id"))
    text = b"".join(export.stream(store, chosen, NOW)).decode()
    return [row[1] for row in csv.reader(io.StringIO(text))][1:]


@settings(max_examples=20, deadline=None)
@given(
    drawn=random_trail.filters(),
    id_=st.sampled_from(SPACE),
    state=st.sampled_from(("include", "exclude")),
)
def test_a_workspace_selects_the_same_events_by_facet_name_and_search(
    store: Store, drawn: tuple[Filter, tuple[random_trail.Term, ...]], id_: str, state: str
) -> None:
    rest, terms = drawn
    rest = rest.without("workspace")
    by_id = rest.put("workspace", id_, state)
    expected = Counter(row.workspace_id for row in ROWS if row.fits(by_id, terms))
    by_name, misnamed = value_names.resolve(store, rest.put("workspace", NAMED[id_], state))
    assert misnamed == value_names.resolve(store, rest)[1]
    assert by_name.choice("workspace") == by_id.choice("workspace")
    sign = "-" if state == "exclude" else ""
    searched = Filter.parse([*rest.pairs(), ("q", f'{sign}workspace:"{NAMED[id_]}"')])
    for filter_ in (by_id, searched):
        assert counts.count(store, filter_, NOW) == expected.total()
        assert Counter(_exported(store, filter_)) == expected
    found = counts.facets(store, by_id, NOW).values["workspace"]
    of_all = Counter(row.workspace_id for row in ROWS if row.fits(rest, terms))
    assert {one.value: one.count for one in found if one.count} == of_all
    assert all(one.label == NAMED[one.value] for one in found)


def test_names_are_offered_and_found_by_field_only(store: Store) -> None:
    offered = completions.complete(store, Filter(), "workspace:eu", 12, NOW, 0).values
    number = sum(row.workspace_id == SPACE[0] for row in ROWS)
    assert [(one.term, one.count) for one in offered] == [('workspace:"EU production"', number)]
    # A name is a word of no event: the search of everything does not find all of its events.
    assert counts.count(store, Filter(q=("production",)), NOW) == 0


def test_what_no_workspace_is_called_is_explained(store: Store) -> None:
    _, (misnamed,) = value_names.resolve(store, Filter.parse("workspace=EU+produktion"))
    assert str(misnamed) == (
        "No workspace is called “EU produktion”. Did you mean EU production (ws-1) "
        "or US production (ws_2)?"
    )


def test_workspaces_of_one_name_are_told_apart_by_id(tmp_path: Path) -> None:
    store = random_trail.store_of(tmp_path, [row.raw for row in ROWS[:20]])
    assert workspaces.labels(store, SPACE) == {id_: id_ for id_ in SPACE}
    assert workspaces.stored(store) == sorted(SPACE)
    # As in a database of before there were several: it names the first one only.
    first = '{"id": "ws-1", "name": "Shop", "slug": "shop"}'
    store.write(lambda cursor: cursors.put(cursor, workspaces.FIRST, first))
    assert workspaces.labels(store, SPACE) == {"ws-1": "Shop", "ws_2": "ws_2"}
    _name(store, {"ws_2": "Shop"})
    assert workspaces.labels(store) == {"ws-1": "Shop (ws-1)", "ws_2": "Shop (ws_2)"}
    _, (misnamed,) = value_names.resolve(store, Filter.parse("workspace=shop"))
    assert misnamed.is_ambiguous
    assert misnamed.names == ["Shop (ws-1)", "Shop (ws_2)"]
    store.close()
