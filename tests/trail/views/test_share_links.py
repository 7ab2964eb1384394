"""Share links: a link shows the rows of the sender's screen, now and, with fixed times, later."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import NOW, Term, filters
from trail.core.errors import InputError
from trail.events import events
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.views import share_links

MOMENT = NOW.replace(tzinfo=None)
ROWS = random_trail.random_rows(23, flagged=True)


@pytest.fixture(scope="module")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS`."""
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), [row.raw for row in ROWS])
    yield opened
    opened.close()


def shown(store: Store, filter_: Filter, now: dt.datetime) -> list[str]:
    """Return the IDs of all rows of a screen, in order."""
    return [row["event_id"] for row in events.page(store, filter_, now, rows=len(ROWS) + 1).rows]


def opened(store: Store, link: share_links.ShareLink, now: dt.datetime) -> Filter:
    """Return the filter of the page that the link leads to."""
    found = share_links.find(store, link.link_id, now.replace(tzinfo=None), 90)
    assert found.target.startswith("../explore?")
    return Filter.parse(urlsplit(found.target).query)


@settings(max_examples=20)
@given(
    drawn=filters(),
    more=st.sampled_from(("", "time:7d", "-time<yesterday", "time:2d..24h OR risk>=7", "time>1h")),
    later=st.timedeltas(dt.timedelta(0), dt.timedelta(days=89)),
)
def test_a_link_shows_the_rows_of_the_screen(
    full_store: Store, drawn: tuple[Filter, tuple[Term, ...]], more: str, later: dt.timedelta
) -> None:
    filter_ = replace(drawn[0], q=drawn[0].q + ((more,) if more else ()))
    sent = shown(full_store, filter_, NOW)
    fixed = share_links.with_fixed_times(full_store, filter_, NOW)
    assert not share_links.follows_time(fixed, NOW)
    assert fixed.window(NOW).end is not None
    for state, at in ((filter_, NOW), (fixed, NOW), (fixed, NOW + later)):
        link = share_links.create(
            full_store, "explore", state.query(), "maya", MOMENT, 90, fixed=state is fixed
        )
        assert opened(full_store, link, at) == Filter.parse(state.query())
        assert shown(full_store, opened(full_store, link, at), at) == sent


def test_a_relative_link_follows_the_clock(full_store: Store) -> None:
    week = Filter(start="7d", tz="Europe/Oslo")
    link = share_links.create(full_store, "explore", week.query(), "a", MOMENT, 90, fixed=False)
    later = NOW + dt.timedelta(days=30)
    assert opened(full_store, link, later) == week
    assert shown(full_store, week, NOW) and not shown(full_store, week, later)


def test_links_expire_and_are_deleted(store: Store) -> None:
    link = share_links.create(store, "explore", "from=7d", "maya", MOMENT, 90, fixed=False)
    last = MOMENT + dt.timedelta(days=90)
    assert share_links.find(store, link.link_id, last, 90) == link
    with pytest.raises(share_links.ExpiredError):
        share_links.find(store, link.link_id, last + dt.timedelta(seconds=1), 90)
    # The same state gives the same link, which works longer then.
    again = share_links.create(store, "explore", "from=7d", "maya", last, 90, fixed=False)
    assert again.link_id == link.link_id
    assert share_links.find(store, link.link_id, last + dt.timedelta(days=90), 90) == again
    other = share_links.create(store, "explore", "from=7d", "jon", MOMENT, 90, fixed=False)
    assert other.link_id != link.link_id
    share_links.create(store, "explore", "", "maya", last + dt.timedelta(days=1), 90, fixed=True)
    assert store.table("select link_id from share_links").num_rows == 2


def test_links_do_not_expire_while_events_can_be_read_for_ever(store: Store) -> None:
    link = share_links.create(store, "explore", "from=7d", "maya", MOMENT, None, fixed=False)
    late = MOMENT + dt.timedelta(days=4_000)
    share_links.create(store, "explore", "", "maya", late, None, fixed=False)
    assert share_links.find(store, link.link_id, late, None) == link
    with pytest.raises(share_links.ExpiredError) as refused:
        share_links.find(store, "a" * 12, late, None)
    assert refused.value.hint == "Ask the sender for a new one."


def test_links_are_limited(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share_links, "MAX_OF_USER", 2)
    for n in (1, 2):
        share_links.create(store, "explore", f"q={n}", "maya", MOMENT, 90, fixed=False)
    with pytest.raises(InputError, match="You have 2 links"):
        share_links.create(store, "explore", "q=3", "maya", MOMENT, 90, fixed=False)
    share_links.create(store, "explore", "q=1", "maya", MOMENT, 90, fixed=False)
    share_links.create(store, "explore", "q=3", "jon", MOMENT, 90, fixed=False)
    with pytest.raises(InputError, match="too long"):
        share_links.create(store, "explore", "q" * 50_000, "ana", MOMENT, 90, fixed=False)
    with pytest.raises(InputError, match="no links"):
        share_links.create(store, "admin", "", "ana", MOMENT, 90, fixed=False)
    for unknown in ("", "a" * 12, "../x", "é" * 12, "%"):
        with pytest.raises(share_links.ExpiredError):
            share_links.find(store, unknown, MOMENT, 90)
