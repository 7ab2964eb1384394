"""The end of an idle session: input keeps it alive, an open page alone does not."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PASSWORD, serving
from trail.accounts.users import Users

pytestmark = pytest.mark.browser

IDLE_S = 10  # on a busy machine, a key press can reach the server seconds late


def test_idle_session_ends_and_the_address_is_kept(tmp_path: Path, browser: Browser) -> None:
    Users(tmp_path / "users.yaml").add("maya", "Maya", "", "owner", PASSWORD)
    minutes = str(IDLE_S / 60)
    with serving(tmp_path, TRAIL_STORE__DEMO="never", TRAIL_AUTH__IDLE_MINUTES=minutes) as site:
        context = browser.new_context()
        page = context.new_page()

        def sign_in() -> None:
            page.get_by_role("textbox", name="Username").fill("maya")
            page.get_by_role("textbox", name="Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            expect(page.locator(".trail-summary").first).to_be_visible()

        page.goto(f"{site.url}/explore?from=30d&action=Warehouse+Deleted")
        sign_in()
        for _ in range(IDLE_S + 2):  # longer than the limit, with a key now and then
            page.wait_for_timeout(1000)
            page.keyboard.press("Shift")
        expect(page.locator(".trail-summary").first).to_be_visible()
        assert page.request.get(f"{site.url}/auth/alive").status == 204
        for _ in range(IDLE_S + 2):  # open, and polled by the page itself
            page.wait_for_timeout(1000)
            page.request.get(f"{site.url}/auth/alive")
        page.keyboard.press("Shift")
        expect(page.get_by_text("Signed out after 0.2 minutes without activity.")).to_be_visible()
        assert "action=Warehouse" in page.url
        sign_in()
        assert "/explore?" in page.url
        assert "from=30d" in page.url
        assert "action=Warehouse" in page.url
        context.close()
