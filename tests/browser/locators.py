"""Locators that several browser tests use: they name an element, whatever the data around it."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect


def tile(page: Page, name: str) -> Locator:
    """Return the tile with exactly this title; a note or another tile may contain the same word."""
    return page.locator(".tile").filter(has=page.locator(".name").get_by_text(name, exact=True))


def summary(page: Page) -> Locator:
    """Return the figures at the right of the page's title."""
    return page.locator(".trail-summary").first


def total(page: Page) -> int:
    """Return the first figure of the summary: how many events, incidents or findings are shown."""
    return int(summary_text(page).split()[0].replace(",", ""))


def summary_text(page: Page) -> str:
    """Return the figures of the summary once the page is complete, without the query time."""
    settle(page)
    return summary(page).inner_text().split(" · ")[0]


def settle(page: Page) -> None:
    """Wait until the server has drawn everything, also what was only just asked for."""
    for state in ("rerunRequested", "running"):
        expect(page.locator(f"[data-test-script-state={state}]")).to_have_count(0)


def arrive(page: Page, title: str) -> None:
    """Wait until the page of this *title* is drawn: its URL is there before the server knows it."""
    page.wait_for_url(f"**/{title.lower()}?**")
    expect(page.get_by_role("heading", level=1, name=title, exact=True)).to_be_visible()
    settle(page)


def url_query(page: Page) -> dict[str, list[str]]:
    """Return the query string of the page's URL, parsed."""
    return parse_qs(urlsplit(page.url).query)


def facet(page: Page, title: str) -> Locator:
    """Return the facet with exactly this title."""
    return page.get_by_role("group", name=title, exact=True)


def rows(page: Page) -> Locator:
    """Return the rows of the first table."""
    return page.locator(".table").first.locator("tbody tr")


def open_row(page: Page, number: int) -> None:
    """Click a row of the first table; the first row is 1."""
    rows(page).nth(number - 1).click()
