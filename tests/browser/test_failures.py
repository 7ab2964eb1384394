"""The Failures page: groups of incidents, spotlights, one incident, links to its attempts."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.locators import arrive, open_row, rows, settle, summary_text, total, url_query

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    opened = visit("/failures?from=30d")
    expect(opened.get_by_role("heading", name="Recurrence")).to_be_visible()
    return opened


def group(page: Page, name: str) -> int:
    """Return the number of incidents of a group, as on its button."""
    label = page.get_by_role("radio", name=re.compile(f"^{name} · ")).inner_text()
    return int(label.split(" · ")[1].replace(",", ""))


def test_group_counts_add_up(page: Page) -> None:
    listed, whole = total(page), int(summary_text(page).split()[2].replace(",", ""))
    assert group(page, "All") == group(page, "Open") + group(page, "Ended") == listed > 0
    assert listed + group(page, "Transient") == whole
    hidden = page.get_by_text(re.compile("transient incidents? hidden"))
    assert int(hidden.inner_text().split()[0].replace(",", "")) == group(page, "Transient")


def test_group_narrows_the_table_and_the_url_keeps_it(page: Page) -> None:
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**group=transient**")
    settle(page)
    assert total(page) == group(page, "Transient")
    page.reload()
    expect(page.get_by_role("radio", name=re.compile("^Transient"))).to_be_checked()
    page.go_back()
    expect(page.get_by_role("radio", name=re.compile("^All"))).to_be_checked()


def test_row_opens_its_incident_and_links_to_its_attempts(page: Page) -> None:
    cells = rows(page).nth(1).locator("td")
    target, attempts = cells.nth(1).inner_text(), cells.nth(6).inner_text()
    open_row(page, 2)
    page.wait_for_url("**incident=**")
    expect(
        page.locator(".st-key-incident-head").get_by_role("heading", name=target)
    ).to_be_visible()
    settle(page)
    link = page.get_by_role("link", name=re.compile(f"^Show {attempts} failed attempts? in"))
    link.click()
    arrive(page, "Explore")
    assert total(page) == int(attempts.replace(",", ""))


def test_spotlight_opens_its_incident_and_the_strip_its_attempts(page: Page) -> None:
    page.locator(".strip-row.spot").first.click()
    page.wait_for_url("**incident=**")
    settle(page)
    page.locator(".strip-row:not(.spot)").first.click()
    arrive(page, "Explore")
    expect(page.locator(".chip")).to_have_count(2)


def test_csv_equals_the_screen(page: Page, tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    path = tmp_path / "incidents.csv"
    download.value.save_as(path)
    table = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    assert len(table) == total(page) + 1
    first = rows(page).first.locator("td").all_inner_texts()
    # The glyph before a text is only on screen.
    assert [cell.lstrip("▲◆○✓?●\n") for cell in first] == table[1]


def test_owner_of_the_work_comments_and_makes_an_alert(page: Page) -> None:
    page.get_by_role("button", name="Assign").click()
    page.get_by_role("combobox", name="Assign to").click()
    page.get_by_role("option", name="Me (").click()
    expect(page.get_by_role("button", name="Assigned to Maya")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("textbox", name="Comment").fill("<b>Key</b> *revoked*")
    page.get_by_role("button", name="Add comment").click()
    expect(page.get_by_role("heading", name="Comments: 1")).to_be_visible()
    expect(page.get_by_text("<b>Key</b> *revoked*")).to_be_visible()
    page.get_by_role("link", name="Alert on this").click()
    arrive(page, "Alerts")
    assert "action=" in url_query(page)["rule"][0]
    page.get_by_role("button", name="Query string").click()
    query = page.get_by_role("textbox", name="Filter", exact=True)
    expect(query).to_have_value(re.compile("action="))


def test_a_manager_starts_at_the_top_and_changes_nothing(
    visit: Callable[..., Page],
) -> None:
    page = visit("/failures?from=30d", "jon")
    expect(page.get_by_role("heading", name="Recurrence")).to_be_visible()
    for name in ("Assign", "Mute until", "Add comment"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(page.get_by_role("link", name="Alert on this")).to_have_count(0)
    page.set_viewport_size({"width": 800, "height": 600})
    page.reload()
    expect(page.get_by_role("heading", name="Recurrence")).to_be_visible()
    settle(page)
    # The marked row of the table does not scroll the page past the spotlights.
    assert page.locator("[data-testid=stMain]").evaluate("node => node.scrollTop") == 0
