"""Properties of any events: no look-ahead, order independence, exact sums, capped budgets."""

import datetime as dt
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import settings as few
from hypothesis import strategies as st

from tests import detection
from tests.trail.findings.random_histories import DAYS, histories
from trail.findings import queries
from trail.findings.budget import WARM_UP_DAYS, Scored, apply_budget
from trail.findings.detector import FIRST_DAY, ExampleEvent
from trail.findings.refresh import refresh
from trail.storage.duckdb import Store


@contextmanager
def stored(*loads: list[ExampleEvent], refreshed: bool = False) -> Iterator[Store]:
    """Give a store with *loads*, one after the other; *refreshed* after each, or not yet."""
    with tempfile.TemporaryDirectory() as folder:
        store, settings = detection.open_store(Path(folder))
        try:
            for load in loads:
                detection.load(store, settings, load)
                if refreshed:
                    refresh(store, detection.end_of_day(DAYS))
            yield store
        finally:
            store.close()


def scores(store: Store, day: int = DAYS) -> list[tuple[Any, ...]]:
    """Return every finding as scored up to the end of *day*."""
    return [
        (finding.day, finding.actor_id, finding.score, finding.reasons)
        for finding in detection.findings(store, day)
    ]


def aggregates(store: Store) -> list[list[dict[str, Any]]]:
    """Return the aggregates by names, since keys depend on the order of loading."""
    names = "join actors p using (actor_key) join actions a using (action_key)"
    return [
        store.table(sql).to_pylist()
        for sql in (
            f"select d.* exclude (actor_key, action_key), actor_id, action_raw "
            f"from daily_actions d {names} order by all",
            f"select d.day, d.n, target_id, actor_id, action_raw from daily_targets d {names} "
            "join targets using (target_key) order by all",
            "select c.* exclude (actor_key), actor_id from daily_chains c "
            "join actors using (actor_key) order by all",
            "select * from folded order by all",
        )
    ]


@few(max_examples=4)
@given(histories(), st.integers(1, DAYS - 1))
def test_later_events_never_change_an_earlier_day(history: list[ExampleEvent], edge: int) -> None:
    cut = FIRST_DAY + dt.timedelta(days=edge)
    before = [event for event in history if event.at.date() < cut]
    with stored(before) as store:
        alone = scores(store, edge - 1)
    with stored(history) as store:
        whole = [score for score in scores(store) if score[0] < cut]
    assert alone == whole


@few(max_examples=4)
@given(histories(), st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_order_of_loading_and_refreshing_does_not_matter(
    history: list[ExampleEvent], dice: random.Random, parts: int
) -> None:
    with stored(history) as store:
        wanted, kept = scores(store), aggregates(store)
    shuffled = list(history)
    dice.shuffle(shuffled)
    pieces = [shuffled[start::parts] for start in range(parts)]
    with stored(*pieces, refreshed=True) as store:
        assert scores(store) == wanted
        assert aggregates(store) == kept
        assert refresh(store, detection.end_of_day(DAYS)).since is None


@few(max_examples=4)
@given(histories())
def test_scores_are_the_sums_of_their_reasons(history: list[ExampleEvent]) -> None:
    with stored(history) as store:
        every = detection.findings(store, DAYS)
        for finding, ids in queries.event_ids(store, every):
            record = finding.to_dict(ids)
            assert record["score"] == sum(reason["points"] for reason in record["reasons"])
            assert len(set(ids)) == len(ids)
            assert finding.actor_id != "system"
            assert all("Permission Check" not in reason.text for reason in finding.reasons)


@few(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6), st.integers(1, 50)), unique=True),
    st.sampled_from((1, 3, 5)),
    st.integers(0, 40),
)
def test_budgets_are_capped_causal_and_deterministic(
    rows: list[tuple[int, int, int]], per_day: int, edge: int
) -> None:
    answer = [
        Scored(f"f-{day}-{actor}", FIRST_DAY + dt.timedelta(days=day), f"users/{actor}", score)
        for (day, actor), score in {(day, actor): score for day, actor, score in rows}.items()
    ]
    until = FIRST_DAY + dt.timedelta(days=40)
    result = apply_budget(answer, FIRST_DAY, until, per_day)
    days = [item.day for item in answer if item.finding_id in result.shown]
    assert all(days.count(day) <= 3 * per_day for day in days)
    assert all((day - FIRST_DAY).days >= WARM_UP_DAYS for day in days)
    assert apply_budget(answer[::-1], FIRST_DAY, until, per_day) == result
    cut = FIRST_DAY + dt.timedelta(days=edge)
    early = apply_budget([item for item in answer if item.day <= cut], FIRST_DAY, cut, per_day)
    assert early.shown == {
        item.finding_id for item in answer if item.finding_id in result.shown and item.day <= cut
    }


@few(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 6), st.integers(1, 50), st.booleans()),
        unique_by=lambda row: row[:2],
    )
)
def test_a_severe_finding_is_shown_whatever_its_points(
    rows: list[tuple[int, int, int, bool]],
) -> None:
    until = FIRST_DAY + dt.timedelta(days=40)
    listed = [
        Scored(
            f"f-{day}-{actor}", FIRST_DAY + dt.timedelta(days=day), f"users/{actor}", score, severe
        )
        for day, actor, score, severe in rows
    ]
    result = apply_budget(listed, FIRST_DAY, until, 3)
    for item in listed:
        if item.severe and (item.day - FIRST_DAY).days >= WARM_UP_DAYS:
            into = result.folded.get(item.finding_id)
            first = next((other for other in listed if other.finding_id == into), None)
            assert item.finding_id in result.shown or (first and first.severe)
