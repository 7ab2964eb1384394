"""Arrivals since a page was drawn: those of its filter, however late, and not more than a limit."""

import datetime as dt
from pathlib import Path

from tests.trail import random_trail
from tests.trail.random_trail import NOW, event
from trail.events import arrivals
from trail.storage.filters import Filter


def test_new_events_of_the_filter_are_counted_up_to_a_limit(tmp_path: Path) -> None:
    ago = [NOW.replace(tzinfo=None) - dt.timedelta(minutes=minutes) for minutes in range(5)]
    store = random_trail.store_of(tmp_path, [event("first", ago[0])])
    seen = arrivals.newest(store)
    day = Filter.parse("from=24h")
    assert arrivals.count_since(store, day, NOW, seen) == 0
    # Late in their window, and before it: only what the page would show is new.
    late = [event(f"late-{number}", at) for number, at in enumerate(ago[1:])]
    random_trail.add(store, tmp_path, [*late, event("old", ago[0] - dt.timedelta(days=3))])
    assert arrivals.count_since(store, day, NOW, seen) == 4
    assert arrivals.count_since(store, Filter.parse("from=7d"), NOW, seen) == 5
    # By arrival, not by time, with the way by which each came.
    latest = arrivals.latest(store, 6)
    assert [row["event_id"] for row in latest] == [
        *(f"late-{number}" for number in range(4)), "old", "first"
    ]  # fmt: skip
    assert {row["loader"] for row in latest} == {"json"}
    assert arrivals.count_since(store, Filter.parse("from=24h&kind=-create"), NOW, seen) < 5
    assert arrivals.count_since(store, Filter.parse("from=24h&action=Nothing"), NOW, seen) == 0
    random_trail.add(
        store, tmp_path, [event(f"more-{number}", ago[1]) for number in range(arrivals.MOST)]
    )
    assert arrivals.count_since(store, day, NOW, seen) == arrivals.MOST + 1
    assert arrivals.count_since(store, day, NOW, arrivals.newest(store)) == 0
    store.close()
