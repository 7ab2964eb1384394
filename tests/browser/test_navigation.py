"""Links, Back, and addresses with mistakes: what people press and paste."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, serving
from tests.browser.locators import facet, settle, tile, total, url_query
from tests.started_server import free_port
from trail import demo
from trail.accounts.users import Users

pytestmark = pytest.mark.browser


def _length(page: Page) -> int:
    settle(page)
    return int(page.evaluate("history.length"))


def test_one_press_of_back_returns_to_the_state_before_a_link(visit: Callable[..., Page]) -> None:
    page = visit("/?from=30d&tz=UTC")
    before, entries = page.url, _length(page)
    for open_link in (
        page.locator(".needs > .rows a.what").first.click,
        tile(page, "Changes").click,
        page.locator(".sentences a.row").first.click,
        page.get_by_role("link", name="Timeline", exact=True).click,
        page.get_by_role("link", name="Weekly digest", exact=True).click,
    ):
        open_link()
        page.wait_for_url(re.compile("/(failures|unusual|explore|timeline|digest)"))
        assert _length(page) == entries + 1
        expect(page.get_by_role("heading", name="Overview")).to_have_count(0)
        expect(page.locator("h1").first).to_be_visible()
        settle(page)
        assert _length(page) == entries + 1
        page.go_back()
        page.wait_for_url(before)
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.go_forward()
    figure = page.locator("[data-figure=changes]")
    number = figure.locator(".value").inner_text()
    figure.click()
    page.wait_for_url(re.compile("/explore"))
    assert f"{total(page):,}" == number


def test_menu_keeps_window_zone_and_filters_where_the_page_has_them(
    visit: Callable[..., Page],
) -> None:
    page = visit("/explore?from=30d&tz=UTC&outcome=failure")
    page.get_by_role("link", name="Timeline", exact=True).click()
    page.wait_for_url(re.compile("/timeline"))
    assert url_query(page) == {"from": ["30d"], "tz": ["UTC"], "outcome": ["failure"]}
    expect(page.locator(".chip")).to_have_count(1)
    menu = page.get_by_role("link", name=re.compile("^Failures( [0-9]+ open)?$"))
    menu.hover()
    menu.focus()  # the address that a new tab would open
    assert "from=30d&tz=UTC" in str(menu.get_attribute("href"))
    menu.click()
    page.wait_for_url(re.compile("/failures"))
    assert url_query(page) == {"from": ["30d"], "tz": ["UTC"]}


@pytest.mark.parametrize(
    ("query", "said", "heading"),
    [
        ("explore?utm_source=mail&outcome=failure", "utm_source", "Explore"),
        ("explore?archive=2020-13", "Invalid archive month", "Explore"),
        ("failures?tz=Mars%2F%3Cb%3E&outcome=failure", "Unknown zone", "Failures"),
        ("explore?actor=Segmant&outcome=failure", "Did you mean Segment (system)?", "Explore"),
    ],
)
def test_address_with_a_mistake_shows_the_page_and_a_way_out(
    visit: Callable[..., Page], query: str, said: str, heading: str
) -> None:
    page = visit(f"/{query}", shows="h1")
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    message = page.get_by_role("alert").filter(has_text=said)
    expect(message).to_be_visible()
    way_out = page.get_by_role("button", name="Remove from the address").or_(
        page.get_by_role("link", name=f"Open {heading} without filters")
    )
    way_out.click()
    expect(message).to_have_count(0)
    assert url_query(page).get("outcome", ["failure"]) == ["failure"]
    expect(page.locator(".trail-summary").first).to_be_visible()


def test_first_press_after_a_restart_of_the_server_is_answered(
    tmp_path: Path, browser: Browser
) -> None:
    """A facet that is pressed while the server is away, and Back after its return."""
    Users(tmp_path / "users.yaml").add("maya", "Maya", "", "owner", PASSWORD)
    demo.write(tmp_path / "demo.ndjson", 300, 30, 1)
    port = str(free_port())
    context = browser.new_context()
    page = context.new_page()
    with serving(tmp_path, TRAIL_SERVER__PORT=port) as site:
        site.command("load", str(tmp_path / "demo.ndjson"))
        page.goto(f"{site.url}/explore?from=90d")
        page.get_by_role("textbox", name="Username").fill("maya")
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        facet(page, "Category").locator(".row").first.click()
        expect(page.locator(".chip")).to_have_count(1)
    facet(page, "Outcome").locator(".row").first.click()
    with serving(tmp_path, TRAIL_SERVER__PORT=port):
        expect(page.locator(".chip")).to_have_count(2)
        settle(page)
        page.go_back()
        expect(page.locator(".chip")).to_have_count(1)
    context.close()
