"""Keyset pages and their cursors, single events, related events, and streams."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import NOW, event
from trail.core.model import EVENT_COLUMNS
from trail.events import counts, events, windows
from trail.events.cursor import Cursor
from trail.events.names import DERIVED
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

ROWS = random_trail.random_rows(4, 400)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS`."""
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), [row.raw for row in ROWS])
    yield opened
    opened.close()


@pytest.fixture
def many(tmp_path: Path) -> Store:
    """Return a store of 25 events, five at each of five moments."""
    lines = [event(f"e{n:02}", f"2026-10-01T10:00:00.00000{n // 5}") for n in range(25)]
    return random_trail.store_of(tmp_path, lines[::-1])


def ids(page: events.Page) -> list[int]:
    """Return the numbers of a page's events."""
    return [int(row["event_id"][1:]) for row in page.rows]


@given(at=st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)), event_id=TEXT)
def test_cursor_round_trip(at: dt.datetime, event_id: str) -> None:
    assert Cursor.parse(str(Cursor(at, event_id))) == Cursor(at, event_id)


@pytest.mark.parametrize("text", ["", "~", "x", "x~y", "2026-10-01", "2026-10-01~", "~e1", "2026~"])
def test_invalid_cursor_is_none(text: str) -> None:
    assert Cursor.parse(text) is None


@given(text=st.text(max_size=40))
def test_cursor_parse_accepts_any_text(text: str) -> None:
    result = Cursor.parse(text)
    assert result is None or result.event_id


def test_pages_split_events_with_equal_times(many: Store) -> None:
    first = events.page(many, Filter(), NOW, rows=7)
    assert ids(first) == [24, 23, 22, 21, 20, 19, 18]
    assert (first.has_before, first.has_after) == (False, True)
    second = events.page(many, Filter(), NOW, after=first.last, rows=7)
    assert ids(second) == [17, 16, 15, 14, 13, 12, 11]
    assert (second.has_before, second.has_after) == (True, True)
    back = events.page(many, Filter(), NOW, before=second.first, rows=7)
    assert ids(back) == ids(first)
    assert (back.has_before, back.has_after) == (False, True)
    oldest = events.page(many, Filter(sort="oldest"), NOW, after=second.first, rows=3)
    assert ids(oldest) == [18, 19, 20]
    many.close()


@pytest.mark.parametrize("rows", [24, 25, 26])
def test_full_last_page_has_no_next_page(many: Store, rows: int) -> None:
    page = events.page(many, Filter(), NOW, rows=rows)
    assert len(page.rows) == min(rows, 25)
    assert page.has_after == (rows < 25)
    past = events.page(many, Filter(), NOW, after=Cursor(dt.datetime(2000, 1, 1), "e"), rows=rows)
    assert (past.rows, past.has_after, past.first, past.last) == ([], False, None, None)
    many.close()


def test_cursor_of_a_missing_event_still_pages(many: Store) -> None:
    edge = Cursor(dt.datetime(2026, 10, 1, 10, 0, 0, 2), "e12~not-there")
    assert ids(events.page(many, Filter(), NOW, after=edge, rows=2)) == [12, 11]
    assert ids(events.page(many, Filter(), NOW, before=edge, rows=2)) == [14, 13]
    many.close()


@pytest.mark.parametrize("first_rows", [1, 20, 1000])
@pytest.mark.parametrize("query", ["", "kind=create", "actor=users/ana", "q=source", "q=zzz"])
@pytest.mark.parametrize("window", ["", "&from=2026-10-24T22:10Z&to=2026-10-25T13:05Z"])
def test_pages_together_have_all_matches(
    full_store: Store, monkeypatch: pytest.MonkeyPatch, first_rows: int, query: str, window: str
) -> None:
    monkeypatch.setattr(windows, "_FIRST_ROWS", first_rows)
    for sort in ("newest", "oldest"):
        filter_ = Filter.parse(f"{query}{window}&sort={sort}")
        everything = events.page(full_store, filter_, NOW, rows=len(ROWS)).rows
        times = [(row["occurred_at"], row["event_id"]) for row in everything]
        assert times == sorted(times, reverse=sort == "newest")
        assert len(everything) == counts.count(full_store, filter_, NOW)
        found, page = [], events.page(full_store, filter_, NOW, rows=60)
        while page.rows:
            found += page.rows
            page = events.page(full_store, filter_, NOW, after=page.last, rows=60)
        assert found == everything


def test_page_rows_have_all_columns_except_raw(many: Store) -> None:
    row = events.page(many, Filter(), NOW, rows=1).rows[0]
    columns = tuple(name for name in EVENT_COLUMNS if name != "raw")
    assert tuple(row) == (*columns, *DERIVED, "unverified", "future_dated")
    assert (row["actor_email"], row["target_type"], row["verified"]) == (None, None, None)
    many.close()


def test_event_is_found_with_and_without_a_time_hint(many: Store) -> None:
    at = dt.datetime(2026, 10, 1, 10, 0, 0, 2)
    for near in (at, at - dt.timedelta(minutes=59), dt.datetime(2020, 1, 1), None):
        result = events.get(many, "e12", near)
        assert result is not None
        assert (result["event_id"], result["occurred_at"]) == ("e12", at)
        assert result["raw"] == event("e12", at)
        assert (result["batch_id"], result["source"]) == (1, "records.ndjson")
    assert events.get(many, "e99") is None
    assert events.get(many, "' or true --") is None
    many.close()


def test_related_events_of_the_actor_are_within_15_minutes(tmp_path: Path) -> None:
    at = dt.datetime(2026, 10, 1, 10)
    away = {
        "far": dt.timedelta(minutes=-15, microseconds=-1),
        "edge": dt.timedelta(minutes=-15),
        "near": dt.timedelta(minutes=1),
        "late": dt.timedelta(minutes=15),
        "gone": dt.timedelta(minutes=15, microseconds=1),
    }
    lines = [event(name, at + delta, actor="users/a") for name, delta in away.items()]
    lines.append(event("me", at, actor="users/a"))
    lines.append(event("other", at, actor="users/b"))
    store = random_trail.store_of(tmp_path, lines)
    me = events.get(store, "me")
    assert me is not None
    total, rows = events.related(store, me)["actor"]
    assert total == 4
    assert [row["event_id"] for row in rows] == ["late", "near", "me", "edge"]
    total, rows = events.related(store, me, rows=2)["actor"]
    assert (total, [row["event_id"] for row in rows]) == (4, ["near", "me"])
    assert events.related(store, me)["target"] == (0, [])
    store.close()


def test_target_history_includes_former_names(tmp_path: Path) -> None:
    lines = [
        event("made", "2026-08-01", target=("source", "s1", "Old name")),
        event("changed", "2026-09-01", target=("source", "s1", "New name")),
        event("other", "2026-09-01", target=("source", "s2", "Old name")),
        event("gone", "2026-10-01", "Source Deleted", target=("source", "s1", "New name")),
    ]
    store = random_trail.store_of(tmp_path, lines)
    row = events.get(store, "changed")
    assert row is not None
    total, rows = events.related(store, row)["target"]
    store.close()
    assert (total, [row["event_id"] for row in rows]) == (3, ["gone", "changed", "made"])


@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_stream_yields_all_rows_in_batches(many: Store, rows: int) -> None:
    with many.reading() as reading:
        batches = list(events.stream(many, reading, Filter(), NOW, "event_id, risk", rows=rows))
    many.close()
    result = [value for batch in batches for value in batch.column(0).to_pylist()]
    assert result == [f"e{n:02}" for n in range(24, -1, -1)]
    assert batches[0].schema.names == ["event_id", "risk"]
