"""One filter, the same rows everywhere: table, count, facets, bars and exports agree.

Held against `random_trail`, which says a second time what a filter means.
"""

import csv
import datetime as dt
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import NOW, Row, Term
from trail.events import counts, events, timeline
from trail.events import export as exports
from trail.storage.duckdb import Store
from trail.storage.filters import Choice, Filter

ROWS = random_trail.random_rows(7, flagged=True)
EMAILS = {email for row in ROWS for email in row.emails}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS`, loaded in two goes."""
    folder = tmp_path_factory.mktemp("trail")
    lines = [row.raw for row in ROWS if row.verified == "yes"]
    store = random_trail.store_of(folder, lines[:80], lines[80:])
    unverified = [row.raw for row in ROWS if row.verified == "no"]
    random_trail.add_unverified(store, folder, unverified)
    yield store
    store.close()


def streamed(store: Store, filter_: Filter) -> list[str]:
    """Return the ids that the stream of a filter gives."""
    with store.reading() as reading:
        batches = events.stream(store, reading, filter_, NOW, "event_id", rows=50)
        return [value for batch in batches for value in batch.column(0).to_pylist()]


def forwards(store: Store, filter_: Filter, rows: int) -> tuple[list[str], events.Page]:
    """Return the ids on all pages from the first on, and the last page."""
    page = events.page(store, filter_, NOW, rows=rows)
    assert not page.has_before
    ids = [row["event_id"] for row in page.rows]
    while page.has_after:
        assert len(page.rows) == rows
        page = events.page(store, filter_, NOW, after=page.last, rows=rows)
        assert page.has_before and page.rows
        ids += [row["event_id"] for row in page.rows]
    return ids, page


def backwards(store: Store, filter_: Filter, page: events.Page, rows: int) -> list[str]:
    """Return the ids on all pages back from *page*, that page's own among them."""
    ids = [row["event_id"] for row in page.rows]
    while page.has_before:
        page = events.page(store, filter_, NOW, before=page.first, rows=rows)
        assert page.has_after
        ids = [row["event_id"] for row in page.rows] + ids
    return ids


def exported(store: Store, filter_: Filter, kind: str) -> list[str]:
    """Return the ids in an export."""
    chosen = exports.Export(filter_, kind, ("event_id", "occurred_at", "target_name"))
    text = b"".join(exports.stream(store, chosen, NOW)).decode()
    if kind == "csv":
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert rows[0] == ["event_id", f"occurred_at ({filter_.tz})", "target_name"]
        # An id that a spreadsheet would run bears a quote in front.
        return [row[0].removeprefix("'") for row in rows[1:]]
    return [json.loads(line)["event_id"] for line in text.split("\n")[:-1]]


def charted(rows: list[Row], bars: Sequence[timeline.Bar]) -> list[Row]:
    """Return the *rows* that a chart shows: its end does not follow what is dated in the future."""
    end = bars[-1].end if bars else dt.datetime.min
    return [row for row in rows if row.future_dated == "no" or row.occurred_at < end]


def counted(filter_: Filter, terms: tuple[Term, ...], name: str) -> dict[str, int]:
    """Return how many events each value of a facet has, its own filter left out."""
    rest = filter_.without(name)
    values = (row.values(name)[0] for row in ROWS if row.fits(rest, terms))
    may_be_missing = ("target_type", "target", "findings")
    counts = dict(Counter(value for value in values if value or name not in may_be_missing))
    if name in ("risk", "target"):
        rows = [row for row in ROWS if row.fits(rest, terms)]
        counts |= random_trail.of_second_values(filter_, name, rows)
    if name == "future_dated" and "yes" not in counts and not filter_.choice(name):
        return {}  # not offered
    return counts


@settings(max_examples=30, deadline=None)
@given(drawn=random_trail.filters(), page_rows=st.sampled_from((19, 45, 200)))
def test_all_queries_of_one_filter_use_the_same_rows(
    store: Store, drawn: tuple[Filter, tuple[Term, ...]], page_rows: int
) -> None:
    filter_, terms = drawn
    expected = random_trail.in_order((r for r in ROWS if r.fits(filter_, terms)), filter_.sort)

    assert counts.count(store, filter_, NOW) == len(expected)
    assert streamed(store, filter_) == expected
    assert exported(store, filter_, "csv") == expected
    assert exported(store, filter_, "ndjson") == expected
    ids, last = forwards(store, filter_, page_rows)
    assert ids == expected
    assert backwards(store, filter_, last, page_rows) == expected
    bars = timeline.histogram(store, filter_, NOW).bars
    shown = charted([row for row in ROWS if row.fits(filter_, terms)], bars)
    assert sum(bar.count for bar in bars) == len(shown)


@settings(max_examples=30, deadline=None)
@given(drawn=random_trail.filters())
def test_facets_apply_all_filters_except_their_own(
    store: Store, drawn: tuple[Filter, tuple[Term, ...]]
) -> None:
    filter_, terms = drawn
    found = counts.facets(store, filter_, NOW)
    result = found.values

    assert found.events == sum(row.fits(filter_, terms) for row in ROWS)
    assert tuple(result) == counts.COUNTED
    for name, values in result.items():
        numbers = {value.value: value.count for value in values if value.count}
        assert numbers == counted(filter_, terms, name), name
        choice = filter_.choice(name)
        shown = [value.value for value in values]
        # Who is chosen by e-mail is listed by id.
        assert {*choice.include, *choice.exclude} - EMAILS <= set(shown), name
        assert len(set(shown)) == len(shown)
        assert [value.count for value in values] == sorted(
            (value.count for value in values), reverse=True
        )


@settings(max_examples=30, deadline=None)
@given(drawn=random_trail.filters())
def test_people_and_day_lists_contain_only_matching_rows(
    store: Store, drawn: tuple[Filter, tuple[Term, ...]]
) -> None:
    filter_, terms = drawn
    chosen = [row for row in ROWS if row.fits(filter_, terms)]
    shown = charted(chosen, timeline.histogram(store, filter_, NOW, dt.timedelta(days=1)).bars)
    people = {actor.value: actor.count for actor in counts.actors(store, filter_, NOW, 99)}
    assert people == dict(Counter(row.actor_id for row in chosen))

    days: Counter[tuple[dt.date, str]] = Counter()
    for bar, counted in timeline.by_category(store, filter_, NOW):
        local = bar.start.replace(tzinfo=dt.UTC).astimezone(filter_.zone)
        assert local.time() == dt.time()
        assert bar.count == sum(counted.values())
        days.update({(local.date(), category): number for category, number in counted.items()})
    assert days == Counter(
        (row.occurred_at.replace(tzinfo=dt.UTC).astimezone(filter_.zone).date(), row.category)
        for row in shown
    )


@settings(max_examples=20, deadline=None)
@given(
    drawn=random_trail.filters(),
    grain=st.sampled_from((1, 5, 15, 60, 180, 1440)).map(lambda m: dt.timedelta(minutes=m)),
)
def test_each_histogram_bar_counts_the_events_of_its_span(
    store: Store, drawn: tuple[Filter, tuple[Term, ...]], grain: dt.timedelta
) -> None:
    filter_, terms = drawn
    if grain < dt.timedelta(minutes=15):  # as for a short window only: else of 100,000 bars
        filter_ = replace(filter_, start="2d", end="")
    bars = timeline.histogram(store, filter_, NOW, grain).bars
    chosen = [row for row in ROWS if row.fits(filter_, terms)]
    times = Counter(row.occurred_at for row in charted(chosen, bars))
    filled = {bar.start: bar.count for bar in bars if bar.count}
    expected: Counter[dt.datetime] = Counter()
    starts = iter(bars)
    bar = next(starts, None)
    for at in sorted(times):
        while bar and bar.end <= at:
            bar = next(starts, None)
        assert bar and bar.start <= at
        expected[bar.start] += times[at]
    assert filled == dict(expected)


def test_stored_columns_equal_an_independent_parse(store: Store) -> None:
    names = [name for name in exports.RECORD_COLUMNS if name not in ("ingested_at", "verified")]
    held = store.table("select * from event_rows").to_pylist()
    result = {row["event_id"]: {name: row[name] for name in names} for row in held}
    assert result == {row.event_id: {name: row.exact(name) for name in names} for row in ROWS}


def test_the_sample_rows_exercise_the_filters(store: Store) -> None:
    def hits(**choices: Choice) -> int:
        return sum(row.fits(Filter(choices=choices)) for row in ROWS)

    assert 0 < hits(actor=Choice(("shared@x.example",))) < len(ROWS)
    assert 0 < hits(target=Choice(exclude=("=1+1",))) < len(ROWS)
    assert len({row.occurred_at for row in ROWS}) < len(ROWS) - 20
    assert max(row.occurred_at for row in ROWS) > NOW.replace(tzinfo=None)


def test_filters_with_many_keys_match_the_same_rows(tmp_path: Path) -> None:
    at = dt.datetime(2026, 10, 1)
    lines = [
        random_trail.event(
            f"e{n}",
            at + dt.timedelta(seconds=n),
            actor=f"{'tokens' if n % 3 == 0 else 'users'}/{n}",
            target=("source", f"s{n}", ""),
        )
        for n in range(3_300)
    ]
    store = random_trail.store_of(tmp_path, lines)
    try:
        for query, number in (
            ("actor_type=user", 2_200),
            ("actor_type=-user", 1_100),
            ("actor_type=-token&actor=-users/1", 2_199),
            ("actor_type=user&actor=-users/1&target=-s2", 2_198),
            ("&".join(f"actor=-users/{n}" for n in range(3_300)), 1_100),
            ("&".join(f"target=s{n}" for n in range(2_000)), 2_000),
            ("&".join(f"target=s{n}" for n in range(1_999)), 1_999),
        ):
            filter_ = Filter.parse_signed(query)  # without the limits on the cost
            assert counts.count(store, filter_, NOW) == number, query[:40]
            assert len(streamed(store, filter_)) == number, query[:40]
    finally:
        store.close()


@pytest.mark.parametrize(
    "query",
    [
        "from=0001-01-01",
        "to=9999-12-31T23:59:59Z",
        "from=0001-01-01&tz=America/New_York",
        "to=9999-12-31&tz=Asia/Kolkata",
        "from=99999d",
        "from=99999h&tz=Europe/London",
    ],
)
def test_the_widest_window_contains_all_events(store: Store, query: str) -> None:
    filter_ = Filter.parse(query)
    number = sum(row.fits(filter_) for row in ROWS)
    assert number == len(ROWS) or filter_.is_relative
    assert counts.count(store, filter_, NOW) == number
    assert len(streamed(store, filter_)) == number
    assert len(exported(store, filter_, "csv")) == number
    text = b"".join(exports.stream(store, exports.Export(filter_), NOW)).decode()
    assert len(list(csv.reader(io.StringIO(text, newline="")))) == number + 1


@pytest.mark.parametrize("query", ["to=9999-12-31T23:59Z", "from=99999d"])
def test_the_widest_window_has_histogram_bars(store: Store, query: str) -> None:
    filter_ = Filter.parse(query)
    bars = timeline.histogram(store, filter_, NOW).bars
    assert sum(bar.count for bar in bars) == len(
        charted([row for row in ROWS if row.fits(filter_)], bars)
    )


def test_facets_count_all_events_of_an_actor_filtered_by_email(store: Store) -> None:
    filter_ = Filter(choices={"actor": Choice(("ana@new.example",))})
    number = counts.count(store, filter_, NOW)
    assert number > 0
    shown = {item.value: item.count for item in counts.facets(store, filter_, NOW).values["actor"]}
    assert shown.get("ana@new.example") in (None, number)


def test_facets_show_the_current_names_of_people(store: Store) -> None:
    labels = {
        item.value: item.label for item in counts.facets(store, Filter(), NOW).values["actor"]
    }
    assert labels["users/ana"] == "ana@new.example"
    assert labels["system"] == "Segment"
    assert labels["tokens/-t1"] == "-t1"


def test_sorting_does_not_change_the_matching_rows(store: Store) -> None:
    rows: list[Row] = [row for row in ROWS if row.actor_type == "user"]
    for sort in ("newest", "oldest"):
        filter_ = Filter(choices={"actor_type": Choice(("user",))}, sort=sort)
        assert streamed(store, filter_) == random_trail.in_order(rows, sort)
