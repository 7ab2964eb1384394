"""Failures: incidents by class, one of them whole, and the ways to its attempts."""

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


def test_the_numbers_of_the_classes_add_up(page: Page) -> None:
    expect(page.locator(".tile")).to_have_count(6)
    values = page.locator(".tile .value").all_inner_texts()
    assert sum(int(value.replace(",", "")) for value in values[1:]) == total(page) > 0


def test_a_tile_narrows_the_table_and_the_address_keeps_it(page: Page) -> None:
    tile(page, "Transient").click()
    page.wait_for_url("**class=folded**")
    page.reload()
    expect(tile(page, "Transient ✓")).to_be_visible()
    page.go_back()
    expect(tile(page, "Transient ✓")).to_have_count(0)


def test_a_row_shows_that_incident_and_leads_to_its_attempts(page: Page) -> None:
    tile(page, "Transient").click()
    expect(tile(page, "Transient ✓")).to_be_visible()
    page.wait_for_timeout(1_500)  # the table is made anew, and a row must not move away
    open_row(page, 2)
    page.wait_for_url("**incident=**")
    expect(
        page.get_by_text(re.compile("this usually needs nobody|more may follow"))
    ).to_be_visible()
    page.get_by_role("link", name="Show failed attempts in Explore").click()
    page.wait_for_url("**/explore?**")
    assert total(page) > 0


def test_a_target_of_the_strip_opens_its_attempts(page: Page) -> None:
    page.locator(".strip-row").first.click()
    page.wait_for_url("**/explore?**")
    expect(page.locator(".chip")).to_have_count(2)


def test_incidents_download_as_csv(page: Page, tmp_path: Path) -> None:
    with page.expect_download() as got:
        page.get_by_role("link", name="Download incidents CSV").click()
    path = tmp_path / "incidents.csv"
    got.value.save_as(path)
    lines = path.read_text().splitlines()
    assert lines[0].startswith("incident_id,class,open")
    assert len(lines) == total(page) + 1
