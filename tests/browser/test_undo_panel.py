"""How an event is undone, as a person finds it: in the panel, folded, to be copied."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.locators import open_row

pytestmark = pytest.mark.browser


def test_a_disabled_warehouse_shows_the_call_that_switches_it_on(
    visit: Callable[..., Page],
) -> None:
    """The part is folded; unfolded it shows what to check, the screen and the call to copy."""
    page = visit(
        "/explore?kind=disable&action=Warehouses+Disabled&from=30d&q=id:hostile-1",
        permissions=["clipboard-read", "clipboard-write"],
    )
    open_row(page, 1)
    part = page.locator(".undo")
    expect(part.get_by_role("heading", name="How to undo this")).to_be_visible()
    expect(part.locator(".code")).to_be_hidden()
    part.get_by_role("button", name="Show: How to undo this").click()
    call = 'PATCH /warehouses/w1\n{"enabled": true, "settings": {}}'
    expect(part.locator(".code")).to_have_text(call)
    expect(part.get_by_role("listitem").first).to_be_visible()
    expect(part.get_by_text("Connections > Destinations")).to_be_visible()
    part.get_by_role("button", name="Copy call").click()
    expect(part.get_by_text("Copied", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == call
    part.get_by_role("button", name="Hide: How to undo this").click()
    expect(part.locator(".code")).to_be_hidden()


def test_any_disabled_thing_has_its_way_back(visit: Callable[..., Page]) -> None:
    """Among all that was switched off, the first of the table says how it comes back."""
    page = visit("/explore?kind=disable&from=30d")
    open_row(page, 1)
    page.locator(".undo").get_by_role("button", name="Show").click()
    expect(page.locator(".undo .code")).to_contain_text("PATCH /")
    expect(page.locator(".undo .code")).to_contain_text('"enabled": true')


def test_a_harmless_event_has_no_such_part(visit: Callable[..., Page]) -> None:
    """A created thing shows its fields and its record, and nothing on undoing."""
    page = visit("/explore?kind=create&action=Source+Created&from=30d")
    open_row(page, 1)
    expect(page.get_by_role("heading", name="Raw JSON")).to_be_visible()
    expect(page.locator(".undo")).to_be_hidden()
