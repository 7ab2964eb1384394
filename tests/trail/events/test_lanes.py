"""Lanes and hours of the week, compared with counts in plain Python."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.trail import random_trail
from tests.trail.random_trail import NOW
from trail.core.catalogue import DESTRUCTIVE_KINDS, FAILED_KINDS
from trail.events import hours_of_week, lanes
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

ROWS = random_trail.random_rows(5, 400)
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
QUERIES = ["", "kind=create", "actor_type=-user", "tz=Asia/Kolkata", "tz=America/New_York"]


@pytest.fixture(scope="module")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS`."""
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), [row.raw for row in ROWS])
    yield opened
    opened.close()


def value_of(row: random_trail.Row, by: lanes.By) -> str:
    return {
        "category": row.category,
        "actor": row.actor_id,
        "target": row.target_id or row.target_name,
    }[by]


@pytest.mark.parametrize("by", ["category", "actor", "target"])
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("grain", [DAY, HOUR])
def test_lane_points_count_events_failures_and_deletions(
    full_store: Store, by: lanes.By, query: str, grain: dt.timedelta
) -> None:
    filter_ = Filter.parse(f"{query}&from=2000-01-01&to=2100-01-01")
    fitting = [row for row in ROWS if row.fits(filter_)]
    expected = Counter(value_of(row, by) for row in fitting)
    result = lanes.lanes(full_store, filter_, NOW, by, grain, 1_000)
    assert {lane.value: lane.count for lane in result.lanes} == expected
    assert result.total == len(expected)
    for lane in result.lanes:
        mine = [row for row in fitting if value_of(row, by) == lane.value]
        assert sum(point.count for point in lane.points) == lane.count
        failed = sum(row.kind in FAILED_KINDS for row in mine)
        assert sum(point.failures for point in lane.points) == failed
        gone = sum(row.kind in DESTRUCTIVE_KINDS for row in mine)
        assert sum(point.destructive for point in lane.points) == gone
        for point in lane.points:
            inside = [row for row in mine if point.bar.start <= row.occurred_at < point.bar.end]
            assert point.count == len(inside)


def test_top_lanes_and_the_total_are_returned(full_store: Store) -> None:
    filter_ = Filter.parse("from=2000-01-01&to=2100-01-01")
    everything = lanes.lanes(full_store, filter_, NOW, "actor", DAY, 1_000)
    top = lanes.lanes(full_store, filter_, NOW, "actor", DAY, 3)
    assert top.lanes == everything.lanes[:3]
    assert top.total == everything.total > 3


@pytest.mark.parametrize("query", QUERIES)
def test_week_hours_are_in_the_reader_time_zone(full_store: Store, query: str) -> None:
    filter_ = Filter.parse(f"{query}&from=2000-01-01&to=2100-01-01")
    expected = [[0] * 24 for _ in range(7)]
    for row in ROWS:
        if row.fits(filter_):
            local = row.occurred_at.replace(tzinfo=dt.UTC).astimezone(filter_.zone)
            expected[local.weekday()][local.hour] += 1
    week = hours_of_week.week(full_store, filter_, NOW)
    assert [[item.all_events for item in row] for row in week] == expected


@pytest.mark.parametrize("query", QUERIES)
def test_latest_hour_is_in_the_reader_time_zone(full_store: Store, query: str) -> None:
    filter_ = Filter.parse(f"{query}&from=2000-01-01&to=2100-01-01")
    row = next(row for row in ROWS if row.fits(filter_))
    local = row.occurred_at.replace(tzinfo=dt.UTC).astimezone(filter_.zone)
    same = [
        row.occurred_at
        for row in ROWS
        if row.fits(filter_)
        and (at := row.occurred_at.replace(tzinfo=dt.UTC).astimezone(filter_.zone))
        and (at.weekday(), at.hour) == (local.weekday(), local.hour)
    ]
    result = hours_of_week.latest_hour(full_store, filter_, NOW, local.weekday(), local.hour)
    assert result
    assert result[0] <= max(same) < result[1]
    begins = result[0].replace(tzinfo=dt.UTC).astimezone(filter_.zone)
    assert (begins.weekday(), begins.hour, begins.minute) == (local.weekday(), local.hour, 0)


def test_empty_selection_has_no_lanes(full_store: Store) -> None:
    filter_ = Filter.parse("category=NoSuch")
    assert lanes.lanes(full_store, filter_, NOW, "category", DAY, 10) == lanes.Lanes((), 0)
    week = hours_of_week.week(full_store, filter_, NOW)
    assert not any(item.all_events for row in week for item in row)
