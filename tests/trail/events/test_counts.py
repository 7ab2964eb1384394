"""Counts by cube and by scan, bars across daylight saving changes, and facets."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trail import random_trail
from tests.trail.random_trail import NOW, event
from trail.events import counts, timeline
from trail.storage import shared_results
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.filters import Choice, Filter, Window

ROWS = random_trail.random_rows(3, 400)
HOUR = dt.timedelta(hours=1)


@pytest.fixture(scope="module")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS`."""
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), [row.raw for row in ROWS])
    yield opened
    opened.close()


def every_minute(folder: Path, start: str, hours: int, step: int = 15) -> Store:
    """Return a store with an event every *step* minutes; *start* is UTC."""
    first = dt.datetime.fromisoformat(start)
    times = (first + dt.timedelta(minutes=step * n) for n in range(hours * 60 // step))
    return random_trail.store_of(folder, [event(at.isoformat(), at) for at in times])


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-10-25T01:00Z", "2026-10-25T02:00Z"),
        ("2026-10-25T00:59:59.999999Z", "2026-10-25T01:00Z"),
        ("2026-10-25T00:59:59.999999Z", "2026-10-25T01:00:00.000001Z"),
        ("2026-10-25T00:30Z", "2026-11-01T05:30:00.000001Z"),
        ("2026-10-25T00:30Z", "2026-11-01T05:30Z"),
        ("2026-10-25T00:10Z", "2026-10-25T00:20Z"),
        ("2026-10-25T01:00Z", "2026-10-25T01:00Z"),
        ("", "2026-10-25T01:00Z"),
        ("2026-10-25T01:00:00.000001Z", ""),
        ("", ""),
    ],
)
@pytest.mark.parametrize(
    "query",
    ["", "kind=create", "actor_type=-user", "target_type=source", "actor=-users/ana&kind=create"],
)
def test_cube_and_scan_count_the_same(full_store: Store, start: str, end: str, query: str) -> None:
    by_cube = Filter.parse(f"{query}&from={start}&to={end}")
    # A condition that every event fulfills and that the cube does not support.
    by_scan = Filter.parse(f"{query}&from={start}&to={end}&q=-raw:no-event-has-this")
    expected = sum(row.fits(by_cube) for row in ROWS)
    assert counts.count(full_store, by_cube, NOW) == expected
    assert counts.count(full_store, by_scan, NOW) == expected
    assert counts.facets(full_store, by_cube, NOW) == counts.facets(full_store, by_scan, NOW)


@pytest.mark.parametrize("query", ["", "&q=id:e1", "&actor=users/new", "&actor=users/new&q=id:e1"])
def test_names_newer_than_the_shared_ones_are_counted(tmp_path: Path, query: str) -> None:
    store = random_trail.store_of(tmp_path, [event("e1", "2026-10-01", actor="users/old")])

    def rename(cursor: Cursor) -> None:
        for table, new in (("actions", "'B' as action"), ("actors", "'users/new' as actor_id")):
            key = f"{table[:-1]}_key"
            cursor.execute(f"insert into {table} select * replace (9 as {key}, {new}) from {table}")
        cursor.execute("update events set action_key = 9, actor_key = 9")
        cursor.execute("update cube set action_key = 9")
        cursor.execute("update actor_cube set action_key = 9, actor_key = 9")

    with shared_results.within():
        before = counts.facets(store, Filter.parse("q=id:e1"), NOW).values
        # As a request that asks after the commit and before the version of the data is set.
        store.submit(rename, versioned=False).result()
        after = counts.facets(store, Filter.parse(f"from=2000-01-01{query}"), NOW).values
    store.close()
    names = ("action", "actor", "actor_type")
    assert [before[name][0].value for name in names] == ["Source Created", "users/old", "user"]
    assert [after[name][0].value for name in names] == ["B", "users/new", "user"]


def test_an_actor_that_is_gone_is_not_counted(tmp_path: Path) -> None:
    store = random_trail.store_of(tmp_path, [event("e1", "2026-10-01")])
    store.write(lambda cursor: cursor.execute("delete from actors"))
    for query in ("", "q=source", "actor=users/ana"):
        values = counts.facets(store, Filter.parse(query), NOW).values["actor"]
        assert not any(item.count for item in values)
    store.close()


def test_relative_windows_follow_the_clock(full_store: Store) -> None:
    filter_ = Filter("2h")
    for later in (dt.timedelta(0), dt.timedelta(minutes=25), dt.timedelta(hours=1.5), HOUR * 30):
        now = NOW + later
        since = (now - 2 * HOUR).replace(tzinfo=None)
        until = now.replace(tzinfo=None)
        expected = sum(
            since <= row.occurred_at < until and row.future_dated == "no" for row in ROWS
        )
        assert counts.count(full_store, filter_, now) == expected


@pytest.mark.parametrize(
    ("tz", "start", "day", "hours"),
    [
        ("Europe/London", "2026-10-23T23:00", "2026-10-25", 25),
        ("Europe/London", "2026-03-28T00:00", "2026-03-29", 23),
        ("America/New_York", "2026-10-31T04:00", "2026-11-01", 25),
        ("America/New_York", "2026-03-07T05:00", "2026-03-08", 23),
        ("Australia/Lord_Howe", "2026-10-02T13:30", "2026-10-04", 23.5),
        ("Asia/Kolkata", "2026-10-23T18:30", "2026-10-25", 24),
        ("Asia/Kathmandu", "2026-10-23T18:15", "2026-10-25", 24),
    ],
)
@pytest.mark.parametrize("query", ["", "&q=-raw:no-event-has-this"])
def test_day_length_follows_daylight_saving_time(
    tmp_path: Path, tz: str, start: str, day: str, hours: float, query: str
) -> None:
    store = every_minute(tmp_path, start, 72)
    result = timeline.histogram(store, Filter.parse(f"tz={tz}{query}"), NOW, dt.timedelta(days=1))
    zone = Filter(tz=tz).zone
    store.close()
    bars = {bar.start.replace(tzinfo=dt.UTC).astimezone(zone).date(): bar for bar in result.bars}
    bar = bars[dt.date.fromisoformat(day)]
    assert bar.end - bar.start == dt.timedelta(hours=hours)
    assert bar.count == hours * 4
    assert sum(bar.count for bar in result.bars) == 72 * 4


@pytest.mark.parametrize("tz", random_trail.ZONES)
@pytest.mark.parametrize(
    "window",
    [
        "from=2026-10-24T22:10Z&to=2026-10-25T00:05Z",
        "from=2026-10-24T22:10Z&to=2026-10-25T05:05Z",
        "from=2026-10-24T12:10Z&to=2026-10-25T13:05Z",
        "from=2026-10-23T12:10Z&to=2026-10-27T13:05Z",
        "from=2026-10-03T00:00Z&to=2026-11-02T00:00Z",
        "",
        "from=2026-11-02&to=2026-11-02",
        "from=0d",
    ],
)
def test_bars_are_contiguous(full_store: Store, tz: str, window: str) -> None:
    filter_ = Filter.parse(f"{window}&tz={tz}")
    result = timeline.histogram(full_store, filter_, NOW)
    split = timeline.histogram(full_store, filter_, NOW, by="outcome")
    assert (split.bars, split.grain) == (result.bars, result.grain)
    failed = counts.count(full_store, filter_.put("outcome", "failure", "include"), NOW)
    assert sum(part.get("failure", 0) for part in split.parts) == failed
    span = timeline.bounded(full_store, filter_.window(NOW), NOW)
    assert sum(bar.count for bar in result.bars) == counts.count(full_store, filter_, NOW)
    if span.start == span.end:
        assert not any(bar.count for bar in result.bars)
        return
    assert span.start and span.end
    assert result.bars[0].start <= span.start < result.bars[0].end
    assert result.bars[-1].start < span.end <= result.bars[-1].end
    for bar, following in zip(result.bars, result.bars[1:], strict=False):
        assert bar.end == following.start
    if result.grain < dt.timedelta(days=1):
        assert {bar.end - bar.start for bar in result.bars} == {result.grain}
        minutes = dt.timedelta(minutes=result.grain / dt.timedelta(minutes=1))
        local = result.bars[0].start.replace(tzinfo=dt.UTC).astimezone(filter_.zone)
        assert (local.minute * 60 + local.second) % min(3600, int(minutes.total_seconds())) == 0


@pytest.mark.parametrize(
    ("hours", "minutes"),
    [(1, 1), (2, 1), (2.1, 5), (8, 5), (9, 15), (36, 15), (37, 60), (192, 60), (193, 1440)],
)
def test_longer_windows_have_wider_bars(hours: float, minutes: int) -> None:
    start = dt.datetime(2026, 10, 1)
    window = Window(start, start + dt.timedelta(hours=hours))
    assert timeline.default_grain(window) == dt.timedelta(minutes=minutes)


def test_empty_store_has_zero_counts(store: Store) -> None:
    for query in ("", "q=x", "from=7d", "tz=Asia/Kolkata&kind=create"):
        filter_ = Filter.parse(query)
        assert counts.count(store, filter_, NOW) == 0
        assert not any(bar.count for bar in timeline.histogram(store, filter_, NOW).bars)
        for values in counts.facets(store, filter_, NOW).values.values():
            assert not any(value.count for value in values)


def test_selected_values_without_events_are_last(full_store: Store) -> None:
    filter_ = Filter().put("action", "Aa none", "include").put("action", "Ab none", "exclude")
    values = counts.facets(full_store, filter_, NOW).values["action"]
    assert [(value.value, value.count) for value in values[-2:]] == [("Aa none", 0), ("Ab none", 0)]
    assert len(values) == len(random_trail.ACTIONS) + 2


def test_a_selected_actor_without_events_keeps_its_name(full_store: Store) -> None:
    every = Filter.parse("actor=tokens/nobody")
    names = {one.value: one.label for one in counts.facets(full_store, every, NOW).values["actor"]}
    none = Filter.parse("from=1999-01-01&to=1999-01-02")
    for actor, name in names.items():
        values = counts.facets(full_store, none.put("actor", actor, "include"), NOW).values["actor"]
        assert [(one.value, one.label, one.count) for one in values] == [(actor, name, 0)]
    assert any(actor != name for actor, name in names.items())
    assert names["tokens/nobody"] == "nobody"


def test_a_selected_target_without_events_keeps_a_name_of_its_own(full_store: Store) -> None:
    names: dict[str, set[str]] = {"nothing": {"nothing"}}
    for row in ROWS:
        if row.target_id and row.target_name:
            names.setdefault(row.target_id, set()).add(row.target_name)
    none = Filter.parse("from=1999-01-01&to=1999-01-02")
    for target, known in names.items():
        facets = counts.facets(full_store, none.put("target", target, "exclude"), NOW)
        (value,) = facets.values["target"]
        assert (value.value, value.count) == (target, 0)
        assert value.label in known
    assert any(target not in known for target, known in names.items())


def test_equal_counts_are_sorted_by_name(tmp_path: Path) -> None:
    store = random_trail.store_of(
        tmp_path, [event(name, "2026-10-01", actor=f"users/{name}") for name in "cab"]
    )
    values = counts.facets(store, Filter(), NOW).values["actor"]
    store.close()
    assert [value.value for value in values] == ["users/a", "users/b", "users/c"]


def test_values_of_one_facet_are_or_and_facets_are_and(full_store: Store) -> None:
    def number(**chosen: tuple[str, ...]) -> int:
        return counts.count(
            full_store, Filter(choices={n: Choice(v) for n, v in chosen.items()}), NOW
        )

    source, space = number(target_type=("source",)), number(target_type=("space",))
    assert source and space
    assert number(target_type=("source", "space")) == source + space
    met = number(target_type=("source",), actor_type=("user",))
    assert 0 < met < min(source, number(actor_type=("user",)))


def test_exclusion_overrides_inclusion(full_store: Store) -> None:
    filter_ = Filter(choices={"kind": Choice(("create", "delete"), ("create",))})
    assert counts.count(full_store, filter_, NOW) == sum(row.kind == "delete" for row in ROWS) > 0
