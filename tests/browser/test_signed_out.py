"""The end of an idle session: input keeps it alive, an open page alone does not."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, serving
from trail.accounts.users import Users

pytestmark = pytest.mark.browser

IDLE_S = 10  # on a busy machine, a key press can reach the server seconds late


def test_idle_session_ends_and_the_address_is_kept(tmp_path: Path, browser: Browser) -> None:
    """Two browsers for longer than the limit: one with a key now and then, one only polled."""
    Users(tmp_path / "users.yaml").add("maya", "Maya", "", "owner", PASSWORD)
    minutes = str(IDLE_S / 60)
    with serving(tmp_path, TRAIL_STORE__DEMO="never", TRAIL_AUTH__IDLE_MINUTES=minutes) as site:
        used, left = (browser.new_context().new_page() for _ in range(2))
        address = f"{site.url}/explore?from=30d&action=Warehouse+Deleted"
        for page in (left, used):  # a sign-in can take as long as the limit
            page.goto(address)
            sign_in(page)
        for _ in range(IDLE_S + 2):
            used.wait_for_timeout(1000)
            used.keyboard.press("Shift")
            left.request.get(f"{site.url}/auth/alive")
        expect(used.locator(".trail-summary").first).to_be_visible()
        assert used.request.get(f"{site.url}/auth/alive").status == 204
        left.keyboard.press("Shift")
        expect(left.get_by_text("Signed out after 0.2 minutes without activity.")).to_be_visible()
        assert "action=Warehouse" in left.url
        sign_in(left)
        assert "/explore?" in left.url
        assert "from=30d" in left.url
        assert "action=Warehouse" in left.url
        used.context.close()
        left.context.close()


def sign_in(page: Page) -> None:
    page.get_by_role("textbox", name="Username").fill("maya")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".trail-summary").first).to_be_visible()
