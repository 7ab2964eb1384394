"""Where the event panel lies: beside the list down to the bottom, or as a sheet over the page."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.browser.locators import open_row, rows, settle

pytestmark = pytest.mark.browser

_SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"


def _box(locator: Locator) -> FloatRect:
    box = locator.bounding_box()
    assert box
    return box


def _open(page: Page, number: int) -> Locator:
    open_row(page, number)
    page.wait_for_url(re.compile(r"[?&]event="))
    panel = page.get_by_role("article", name="Event")
    expect(panel.get_by_text("Same target")).to_be_visible()
    settle(page)
    return panel


def test_panel_lies_beside_the_list_and_every_column_stays_reachable(
    visit: Callable[..., Page],
) -> None:
    page = visit("/explore?from=30d")
    headers = page.get_by_role("table", name="Events").get_by_role("columnheader")
    expect(headers.first).to_be_visible()
    settle(page)
    before = [_box(header) for header in headers.all()]
    chart = _box(page.locator(".st-key-chart"))
    panel = _open(page, 3)
    assert [_box(header) for header in headers.all()] == before
    assert _box(page.locator(".st-key-chart")) == chart
    place = _box(panel)
    assert place["y"] == chart["y"]
    assert place["y"] + place["height"] == 1000 - 12

    page.get_by_role("link", name="CSV", exact=True).click(trial=True)

    page.locator(".table .scroll").evaluate("box => { box.scrollLeft = box.scrollWidth }")
    last = _box(headers.last)
    assert last["x"] + last["width"] <= place["x"]
    page.get_by_role("button", name="Older").click(trial=True)

    # Stepping from the panel keeps the open row in view, and the panel below the menu.
    page.evaluate(f"{_SCROLLED} = 10000")
    scrolled = _box(panel)
    assert scrolled["y"] >= 48
    assert scrolled["y"] + scrolled["height"] <= 1000
    page.locator(".table .scroll").evaluate("box => { box.scrollTop = 3000 }")
    panel.get_by_role("button", name="Next event").click()
    expect(rows(page).nth(3)).to_have_attribute("aria-current", "true")
    expect(rows(page).nth(3)).to_be_in_viewport(ratio=0.5)  # scrolled sideways


def test_panel_is_a_sheet_on_a_phone_and_back_returns_to_the_list(
    visit: Callable[..., Page],
) -> None:
    page = visit("/explore?from=30d")
    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    rows(page).nth(2).scroll_into_view_if_needed()
    page.evaluate(f"{_SCROLLED} = 300")
    panel = _open(page, 3)
    scrolled = page.evaluate(_SCROLLED)
    assert _box(panel) == {"x": 0, "y": 48, "width": 390, "height": 844 - 48}
    expect(panel).to_be_focused()
    panel.evaluate("card => { card.scrollTop = card.scrollHeight }")
    expect(panel.get_by_role("button", name="Close")).to_be_in_viewport()
    page.go_back()
    expect(panel).to_have_count(0)
    settle(page)
    assert page.evaluate(_SCROLLED) == scrolled
    expect(rows(page).nth(2).get_by_role("link")).to_be_focused()
