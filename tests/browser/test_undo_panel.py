"""How to undo an event: the section of the event panel, collapsed, with a call to copy."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.locators import open_row

pytestmark = pytest.mark.browser


def test_disabled_warehouse_shows_the_call_that_enables_it(
    visit: Callable[..., Page],
) -> None:
    """The expanded section shows what to check, the screen and the call to copy."""
    page = visit("/explore?kind=disable&action=Warehouses+Disabled&from=30d&q=id:hostile-1")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_row(page, 1)
    section = page.locator(".undo")
    expect(section.get_by_role("heading", name="How to undo this")).to_be_visible()
    expect(section.locator(".code")).to_be_hidden()
    section.get_by_role("button", name="Show: How to undo this").click()
    call = 'PATCH /warehouses/w1\n{"enabled": true, "settings": {}}'
    expect(section.locator(".code")).to_have_text(call)
    expect(section.get_by_role("listitem").first).to_be_visible()
    expect(section.get_by_text("Connections > Destinations")).to_be_visible()
    section.get_by_role("button", name="Copy call").click()
    expect(section.get_by_text("Copied", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == call
    section.get_by_role("button", name="Hide: How to undo this").click()
    expect(section.locator(".code")).to_be_hidden()


def test_most_recent_disable_event_can_be_undone(visit: Callable[..., Page]) -> None:
    page = visit("/explore?kind=disable&from=30d")
    open_row(page, 1)
    page.locator(".undo").get_by_role("button", name="Show").click()
    expect(page.locator(".undo .code")).to_contain_text("PATCH /")
    expect(page.locator(".undo .code")).to_contain_text('"enabled": true')


def test_create_event_has_no_undo_section(visit: Callable[..., Page]) -> None:
    page = visit("/explore?kind=create&action=Source+Created&from=30d")
    open_row(page, 1)
    expect(page.get_by_role("heading", name="Raw record")).to_be_visible()
    expect(page.locator(".undo")).to_be_hidden()
