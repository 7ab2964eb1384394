"""People and tokens: the list, one actor, one target, and their events."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.locators import arrive, open_row

pytestmark = pytest.mark.browser


def test_from_the_list_to_an_actor_and_to_explore(visit: Callable[..., Page]) -> None:
    page = visit("/people?from=30d")
    expect(page.get_by_role("heading", name="All people and tokens", exact=True)).to_be_visible()
    open_row(page, 1)
    page.wait_for_url("**who=**")
    expect(page.get_by_role("heading", name="Targets")).to_be_visible()
    page.get_by_role("link", name="View these events in Explore").click()
    arrive(page, "Explore")
    expect(page.locator(".chip")).to_have_count(1)
    page.go_back()
    expect(page.get_by_role("heading", name="Targets")).to_be_visible()
    page.get_by_role("link", name="All people and tokens", exact=True).click()
    expect(page.get_by_role("heading", name="All people and tokens", exact=True)).to_be_visible()


def test_target_history(visit: Callable[..., Page]) -> None:
    page = visit("/people?what=w1")
    expect(page.get_by_text("History, oldest first")).to_be_visible()
    page.goto(page.url.replace("what=w1", "what=no-such"))
    expect(page.get_by_text("No retained events for this target")).to_be_visible()
