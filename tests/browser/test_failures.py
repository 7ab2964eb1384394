"""The Failures page: incidents by class, one incident in detail, links to its attempts."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.locators import open_row, tile, total

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    opened = visit("/failures?from=30d")
    expect(opened.get_by_role("heading", name="Recurrence")).to_be_visible()
    return opened


def test_class_counts_add_up(page: Page) -> None:
    expect(page.locator(".tile")).to_have_count(6)
    values = page.locator(".tile .value").all_inner_texts()
    assert sum(int(value.replace(",", "")) for value in values[1:]) == total(page) > 0


def test_tile_filters_the_table_and_the_url_keeps_it(page: Page) -> None:
    tile(page, "Transient").click()
    page.wait_for_url("**class=folded**")
    page.reload()
    expect(tile(page, "Transient ✓")).to_be_visible()
    page.go_back()
    expect(tile(page, "Transient ✓")).to_have_count(0)


def test_row_opens_its_incident_and_links_to_its_attempts(page: Page) -> None:
    tile(page, "Transient").click()
    expect(tile(page, "Transient ✓")).to_be_visible()
    page.wait_for_timeout(1_500)  # the table is rebuilt; a row must not move under the click
    open_row(page, 2)
    page.wait_for_url("**incident=**")
    expect(
        page.get_by_text(re.compile("Usually no action is needed|more may follow"))
    ).to_be_visible()
    page.get_by_role("link", name="Show failed attempts in Explore").click()
    page.wait_for_url("**/explore?**")
    assert total(page) > 0


def test_strip_target_opens_its_attempts(page: Page) -> None:
    page.locator(".strip-row").first.click()
    page.wait_for_url("**/explore?**")
    expect(page.locator(".chip")).to_have_count(2)


def test_incidents_download_as_csv(page: Page, tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.get_by_role("link", name="Download incidents CSV").click()
    path = tmp_path / "incidents.csv"
    download.value.save_as(path)
    lines = path.read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("incident_id,class,open")
    assert len(lines) == total(page) + 1
