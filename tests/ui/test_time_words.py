"""A question means the same weeks as the choice in the time menu, for every reader."""

import datetime as dt
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import event
from trail.events.questions import interpret
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.storage.time_expressions import WEEK_STARTS
from ui.filter_bar.time_control import presets


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of one event."""
    only = (event("e1", "2026-10-04T10:00", "Source Modified"),)
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), only)
    yield opened
    opened.close()


@given(
    week=st.sampled_from(list(WEEK_STARTS)),
    name=st.sampled_from(("This week", "Last week", "Today", "Yesterday", "Last month")),
    tz=st.sampled_from(("UTC", "America/New_York", "Asia/Kathmandu")),
    now=st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2026, 12, 31)),
)
def test_a_question_means_what_the_menu_means(
    store: Store, week: int, name: str, tz: str, now: dt.datetime
) -> None:
    at = now.replace(tzinfo=dt.UTC, microsecond=1)  # a week lasts no time when it begins
    chosen = {preset["name"]: preset["id"] for preset in presets(week)}[name]
    asked = interpret(store, Filter(tz=tz), f"who modified sources {name.lower()}", at, week)
    assert asked.filter.window(at) == Filter(start=chosen, tz=tz).window(at)
    # What a link or a view stores names the week itself, whoever opens it.
    assert asked.filter.start == chosen
    assert asked.parts[-1].label == name.lower()
