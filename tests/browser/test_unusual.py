"""The review of findings: reasons, a decision with its reason, and the sign-off of a period."""

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
    expect(opened.get_by_role("heading", name="Why this is unusual")).to_be_visible()
    return opened


def test_decision_opens_the_next_finding(page: Page) -> None:
    before = total(page)
    page.get_by_role("textbox", name="Reason, recorded with the decision").fill(
        "Asked, it was planned"
    )
    page.get_by_role("textbox", name="Reason, recorded with the decision").press("Enter")
    page.get_by_role("button", name="Needs action").click()
    page.wait_for_url("**finding=**")
    expect(summary(page)).to_contain_text(f"{before - 1:,} to review")
    page.reload()
    expect(summary(page)).to_contain_text(f"{before - 1:,} to review")


def test_expected_needs_a_reason(page: Page) -> None:
    page.get_by_role("button", name="Expected", exact=True).click()
    expect(page.get_by_text("Enter why it is expected.")).to_be_visible()


def test_sign_off_with_undecided_findings_needs_a_reason(page: Page, site: Site) -> None:
    site.command("seal")
    page.get_by_role("radio", name="Sign-off").click()
    expect(
        page.get_by_text(re.compile(r"\d+ days can be signed: .*not closed yet"))
    ).to_be_visible()
    page.get_by_role("button", name="Sign off", exact=True).click()
    expect(page.get_by_text(re.compile("findings? (is|are) undecided"))).to_be_visible()
    page.get_by_role("textbox", name="Reason for signing off with undecided findings").fill(
        "On Monday"
    )
    page.get_by_role("button", name="Sign off", exact=True).click()
    expect(page.get_by_text(re.compile(r"Sign-off \d+ recorded"))).to_be_visible()
    expect(page.get_by_text("✓ Unchanged since signing").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Certificate, JSON").first.click()
    assert "sha256:" in download.value.path().read_text()
    assert download.value.suggested_filename.startswith("sign-off-")


def test_rule_shows_its_matches(page: Page) -> None:
    page.get_by_role("radio", name="Rules").click()
    expect(page.get_by_text("in the last 90 days").first).to_be_visible()


def test_change_and_reset_a_risk(page: Page) -> None:
    page.get_by_role("radio", name="Risks").click()
    expect(page.get_by_text("All risks have their default value")).to_be_visible()
    page.get_by_role("spinbutton", name="Risk").fill("9")
    page.get_by_role("spinbutton", name="Risk").press("Enter")
    page.get_by_role("button", name="Set risk").click()
    expect(page.get_by_text("The reason is missing.")).to_be_visible()
    page.get_by_role("textbox", name="Reason").fill("It opens the door")
    page.get_by_role("textbox", name="Reason").press("Enter")
    page.get_by_role("button", name="Set risk").click()
    expect(page.get_by_text("It opens the door")).to_be_visible()
    page.get_by_role("textbox", name="Reason").fill("Enough of it")
    page.get_by_role("textbox", name="Reason").press("Enter")
    page.get_by_role("button", name="Reset to default").click()
    expect(page.get_by_text("Version 2")).to_be_visible()
    expect(page.get_by_role("button", name="Reset to default")).to_be_disabled()
