"""A reviewer's work: look, see why, decide with a note, and sign the period."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.locators import summary, total

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    opened = visit("/unusual?from=30d")
    expect(opened.get_by_role("heading", name="Why", exact=True)).to_be_visible()
    return opened


def test_decide_with_a_note_and_the_next_one_is_shown(page: Page) -> None:
    before = total(page)
    page.get_by_role("textbox", name="Note, kept with the decision").fill("Asked, it was planned")
    page.get_by_role("textbox", name="Note, kept with the decision").press("Enter")
    page.get_by_role("button", name="Needs action").click()
    page.wait_for_url("**finding=**")
    expect(summary(page)).to_contain_text(f"{before - 1:,} to review")
    page.reload()
    expect(summary(page)).to_contain_text(f"{before - 1:,} to review")


def test_expected_without_a_reason_is_refused(page: Page) -> None:
    page.get_by_role("button", name="Expected", exact=True).click()
    expect(page.get_by_text("Say why it is expected")).to_be_visible()


def test_signing_with_undecided_findings_needs_a_reason(page: Page) -> None:
    page.get_by_role("radio", name="Sign-off").click()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text(re.compile("findings? (is|are) undecided"))).to_be_visible()
    page.get_by_role("textbox", name="Why it is signed with undecided findings").fill("On Monday")
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("Signed as number")).to_be_visible()
    expect(page.get_by_text("✓ as signed").first).to_be_visible()
    with page.expect_download() as got:
        page.get_by_role("button", name="Certificate, JSON").first.click()
    assert "sha256:" in got.value.path().read_text()


def test_a_rule_tells_what_it_would_have_found(page: Page) -> None:
    page.get_by_role("radio", name="Rules").click()
    expect(page.get_by_text("Would have fired").first).to_be_visible()


def test_an_owner_changes_a_risk_and_takes_it_back(page: Page) -> None:
    page.get_by_role("radio", name="Risks").click()
    expect(page.get_by_text("Every risk is as shipped.")).to_be_visible()
    page.get_by_role("spinbutton", name="Risk").fill("9")
    page.get_by_role("spinbutton", name="Risk").press("Enter")
    page.get_by_role("button", name="Set the risk").click()
    expect(page.get_by_text("No reason is given.")).to_be_visible()
    page.get_by_role("textbox", name="Why").fill("It opens the door")
    page.get_by_role("textbox", name="Why").press("Enter")
    page.get_by_role("button", name="Set the risk").click()
    expect(page.get_by_text("It opens the door")).to_be_visible()
    page.get_by_role("textbox", name="Why").fill("Enough of it")
    page.get_by_role("textbox", name="Why").press("Enter")
    page.get_by_role("button", name="Back to as shipped").click()
    expect(page.get_by_text("Version 2")).to_be_visible()
    expect(page.get_by_role("button", name="Back to as shipped")).to_be_disabled()


def test_managers_do_not_review(visit: Callable[..., Page], site: Site) -> None:
    page = visit("/explore", "jon")
    page.goto(f"{site.url}/unusual")
    expect(page.get_by_text("Unusual is not open to the role manager")).to_be_visible()
