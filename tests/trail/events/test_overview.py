"""What counts as a change, and how it is chosen."""

from pathlib import Path

import pytest

from tests.trail import random_trail
from tests.trail.random_trail import NOW
from trail.core.catalogue import KINDS, NO_CHANGE_KINDS
from trail.events import counts, overview, timeline
from trail.storage.filters import Filter

ROWS = random_trail.random_rows(5, 200)
SEVEN = "&".join(f"kind=-{kind}" for kind in NO_CHANGE_KINDS)


def test_changes_failures_and_routine_events_are_all_events(tmp_path: Path) -> None:
    store = random_trail.store_of(tmp_path, [row.raw for row in ROWS])
    for query in ("", "changes=yes", "changes=no", "kind=create&kind=-read", "changes=-yes"):
        filter_ = Filter.parse(query)
        parts = (overview.changes, overview.failures, overview.routine)
        numbers = [counts.count(store, part(filter_), NOW) for part in parts]
        assert numbers[0] == sum(row.changes == "yes" for row in ROWS), query
        assert sum(numbers) == len(ROWS), query
    store.close()


def test_actors_are_counted_in_the_window_in_its_bars_and_as_new(tmp_path: Path) -> None:
    store = random_trail.store_of(tmp_path, [row.raw for row in ROWS])
    for query in ("from=7d&tz=Europe/Oslo", "from=24h&tz=Asia/Kolkata&changes=yes", "from=3h"):
        filter_ = Filter.parse(query)
        window = filter_.window(NOW)
        assert window.start
        width = overview.grain(window)
        for actor_type in ("user", "token"):
            mine = [row for row in ROWS if row.actor_type == actor_type]
            active = {row.actor_id for row in mine if row.fits(filter_)}
            before = {row.actor_id for row in mine if row.occurred_at < window.start}
            result = overview.actors(store, filter_, NOW, actor_type, width)
            assert (result.active, result.new) == (len(active), len(active - before)), query
            assert overview.active_actors(store, filter_, NOW, actor_type) == len(active)
            bars = [bar for bar, _ in timeline.by_category(store, filter_, NOW, width)]
            assert result.by_bar == [
                len(
                    {
                        row.actor_id
                        for row in mine
                        if row.fits(filter_) and bar.start <= row.occurred_at < bar.end
                    }
                )
                for bar in bars
            ]
    store.close()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (SEVEN, "changes=yes"),
        (
            f"{SEVEN}&kind=-delete&kind=create&tz=Asia/Kolkata",
            "kind=create&kind=-delete&changes=yes&tz=Asia/Kolkata",
        ),
        (SEVEN.replace("kind=-run", "kind=-delete"), ""),
        (f"{SEVEN}&changes=no", ""),
        ("kind=-read", ""),
        ("q=x", ""),
    ],
)
def test_links_of_earlier_versions_choose_changes_at_once(query: str, expected: str) -> None:
    old = Filter.parse(query)
    assert overview.in_one_choice(old) == Filter.parse(expected or query)
    assert set(NO_CHANGE_KINDS) < set(KINDS)
