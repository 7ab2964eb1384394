"""Sorting by a column: pages, streams and exports are in one order, that of a second definition."""

import csv
import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import NOW, Term, event
from trail.events import events, slices, sorting, windows
from trail.events import export as exports
from trail.events.cursor import Cursor
from trail.events.search_results import search_matches
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import SORT_COLUMNS, Filter

ROWS = random_trail.random_rows(11, flagged=True)
COLUMNS = st.sampled_from(random_trail.SORTS[2:])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS`, loaded in three goes."""
    opened = random_trail.store_of_rows(tmp_path_factory.mktemp("trail"), ROWS, 60)
    yield opened
    opened.close()


def paged(engine: Engine, filter_: Filter, rows: int, *, back: bool) -> list[str]:
    """Return the ids of all pages, from the first on or back from the last, with texts as cursors.

    Asserts that each page says rightly whether there are more.
    """
    pages, ids = [events.page(engine, filter_, NOW, rows=rows)], []
    while pages[-1].has_after:
        edge = Cursor.parse(str(pages[-1].last))
        pages.append(events.page(engine, filter_, NOW, after=edge, rows=rows))
        assert pages[-1].rows and pages[-1].has_before
    if not back:
        return [row["event_id"] for page in pages for row in page.rows]
    page = pages[-1]
    while True:
        ids = [row["event_id"] for row in page.rows] + ids
        if not page.has_before:
            return ids
        edge = Cursor.parse(str(page.first))
        page = events.page(engine, filter_, NOW, before=edge, rows=rows)
        assert page.rows and page.has_after


def streamed(store: Store, filter_: Filter, limit: int | None = None) -> list[str]:
    with store.reading() as reading:
        batches = events.stream(store, reading, filter_, NOW, "event_id", rows=9, limit=limit)
        return [value for batch in batches for value in batch.column(0).to_pylist()]


def test_every_column_has_its_sql() -> None:
    assert tuple(sorting.SORTABLE) == SORT_COLUMNS


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    drawn=random_trail.filters(),
    sort=COLUMNS,
    way=st.sampled_from(("forwards", "backwards", "of a search", "stream", "first", "csv")),
    rows=st.sampled_from((13, 40, 90)),
    first_rows=st.sampled_from((1, 30, 100_000)),
    range_rows=st.sampled_from((6, 45, 100_000)),
    narrows=st.booleans(),
)
def test_pages_streams_and_exports_have_one_order(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    drawn: tuple[Filter, tuple[Term, ...]],
    sort: str,
    way: str,
    rows: int,
    first_rows: int,
    range_rows: int,
    narrows: bool,
) -> None:
    monkeypatch.setattr(windows, "_FIRST_ROWS", first_rows)
    monkeypatch.setattr(slices, "_SLICE_ROWS", rows)
    monkeypatch.setattr(slices, "_RANGE_ROWS", range_rows)
    filter_, terms = drawn if narrows else (replace(drawn[0], choices={}, q=()), ())
    filter_ = replace(filter_, sort=sort)
    expected = random_trail.in_order((r for r in ROWS if r.fits(filter_, terms)), sort)
    if way == "of a search":
        with search_matches(store, filter_, NOW) as (engine, rest):
            found = paged(engine, rest, rows, back=False)
    elif way == "csv":
        chosen = exports.Export(filter_, "csv", ("event_id",))
        text = b"".join(exports.stream(store, chosen, NOW)).decode()
        found = [row[0].removeprefix("'") for row in csv.reader(io.StringIO(text))][1:]
    elif way in ("stream", "first"):
        expected = expected[:rows] if way == "first" else expected
        found = streamed(store, filter_, rows if way == "first" else None)
    else:
        found = paged(store, filter_, rows, back=way == "backwards")
    assert found == expected


@pytest.mark.parametrize("sort", ["ingested_at", "-ingested_at"])
def test_the_order_of_arrival(store: Store, sort: str) -> None:
    filter_ = Filter(sort=sort)
    with store.reading() as reading:
        batches = events.stream(store, reading, filter_, NOW, "ingested_at, event_id")
        arrived = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    assert len({at for at, _ in arrived}) == 3
    times = [at for at, _ in arrived]
    assert times == sorted(times, reverse=sort.startswith("-"))
    ids = [event_id for _, event_id in arrived]
    assert paged(store, filter_, 25, back=False) == paged(store, filter_, 25, back=True) == ids


def test_a_cursor_of_another_order_is_ignored(store: Store) -> None:
    by_risk = events.page(store, Filter(sort="-risk"), NOW, rows=5)
    assert by_risk.last and by_risk.last.sort == "-risk"
    for sort in ("risk", "action", "newest"):
        first = events.page(store, Filter(sort=sort), NOW, rows=5)
        assert events.page(store, Filter(sort=sort), NOW, after=by_risk.last, rows=5) == first
        assert events.page(store, Filter(sort=sort), NOW, before=by_risk.last, rows=5) == first
    newest = events.page(store, Filter(), NOW, rows=5).last
    assert events.page(store, Filter(sort="-risk"), NOW, after=newest, rows=5) == by_risk


@pytest.mark.parametrize("value", ["", "x", "9" * 400, "-" + "9" * 400, "٣", "1e3", "nan", "%00"])
@pytest.mark.parametrize("sort", ["risk", "-verified", "target", "-ingested_at"])
def test_any_value_in_a_cursor_gives_a_page(store: Store, sort: str, value: str) -> None:
    edge = Cursor.parse(f"{sort}~{value}~2026-10-01T00:00:00~x")
    assert edge
    for place in ("after", "before"):
        page = events.page(store, Filter(sort=sort), NOW, rows=3, **{place: edge})
        assert len(page.rows) <= 3


def test_names_in_another_case_are_one_name_and_only_their_beginning_counts(tmp_path: Path) -> None:
    long = "x" * sorting.MAX_CHARS
    names = ["Zoo", "apple", "APPLE", "Äpfel", "äpfel", f"{long}b", f"{long}a", ""]
    lines = [
        event(f"e{n}", f"2026-10-01T10:00:0{n}", target=("source", "", name) if name else ("",) * 3)
        for n, name in enumerate(names)
    ]
    store = random_trail.store_of(tmp_path, lines)
    # Of one name the newest first, both ways round; without a name always last.
    assert paged(store, Filter(sort="target"), 2, back=False) == [
        *("e2", "e1", "e6", "e5", "e0", "e4", "e3", "e7"),
    ]
    assert paged(store, Filter(sort="-target"), 2, back=True) == [
        *("e4", "e3", "e0", "e6", "e5", "e2", "e1", "e7"),
    ]
    store.close()


@given(
    at=st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)),
    event_id=st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20),
    sort=COLUMNS,
    value=st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
)
def test_cursor_round_trip(at: dt.datetime, event_id: str, sort: str, value: str) -> None:
    cursor = Cursor(at, event_id, sort, value)
    assert Cursor.parse(str(cursor)) == cursor
