"""The access log page and the roles tab, for an owner and for a manager."""

import csv
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def log(visit: Callable[..., Page]) -> Callable[[str], Page]:
    """Return a function that opens the access log at an address."""

    def opened(query: str = "") -> Page:
        page = visit(f"/access{query}", shows="h1")
        expect(page.get_by_role("heading", name="Access log")).to_be_visible()
        return page

    return opened


def test_filters_are_in_the_address(log: Callable[[str], Page]) -> None:
    page = log("")
    page.get_by_role("combobox", name="Action").click()
    page.get_by_role("option", name="Signed in").click()
    page.wait_for_url("**kind=signed_in**")
    page.get_by_role("combobox", name="User").click()
    page.get_by_role("option", name="maya").click()
    page.wait_for_url("**user=maya**")
    page.get_by_role("button", name="24 h").click()
    page.wait_for_url("**from=24h**")
    page.wait_for_timeout(2_000)  # until the count is that of the last choice
    before = page.locator(".trail-summary").inner_text()
    page.reload()
    expect(page.get_by_role("combobox", name="Action")).to_have_value("Signed in")
    assert page.locator(".trail-summary").inner_text().split()[0] == before.split()[0]
    page.go_back()
    expect(page.get_by_role("button", name="7 d", pressed=True)).to_be_visible()


def test_download_contains_the_filtered_rows(log: Callable[[str], Page], tmp_path: Path) -> None:
    page = log("?kind=signed_in&user=maya")
    with page.expect_download() as waited:
        page.get_by_role("link", name="Download CSV").click()
    path = tmp_path / "log.csv"
    waited.value.save_as(path)
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    assert {(row["kind"], row["username"]) for row in rows} == {("signed_in", "maya")}
    page.goto(page.url.split("?")[0] + "?kind=exported")
    expect(page.locator(".trail-summary")).to_contain_text("entr")
    with page.expect_download() as again:
        page.get_by_role("link", name="Download CSV").click()
    again.value.save_as(tmp_path / "exports.csv")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in (tmp_path / "exports.csv").read_text()


def test_no_matching_entries(log: Callable[[str], Page]) -> None:
    page = log("?user=nobody-of-that-name")
    expect(page.get_by_text("No entries match in this window.")).to_be_visible()


def test_invalid_address_shows_an_error(log: Callable[[str], Page], site: Site) -> None:
    page = log("")
    page.goto(f"{site.url}/access?from=yesterdayish&kind=%3Cb%3E&after=x")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_text("error id")).to_have_count(0)


def test_roles_tab_shows_permissions_and_tokens(log: Callable[[str], Page], site: Site) -> None:
    site.command("tokens", "add", "from-the-browser-test", "--role", "manager")
    page = log("")
    page.goto(f"{site.url}/admin?section=roles")
    for heading in ("Permissions by role", "API tokens"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.get_by_role("radio", name="Roles and tokens")).to_be_checked()


def test_page_is_hidden_from_managers(visit: Callable[..., Page], site: Site) -> None:
    page = visit("/explore", "jon")
    expect(page.get_by_role("link", name="Access log")).to_have_count(0)
    page.goto(f"{site.url}/access")
    expect(page.get_by_text("The role manager has no access to Access log")).to_be_visible()
    assert page.request.get(f"{site.url}/export.access.csv").status == 403
