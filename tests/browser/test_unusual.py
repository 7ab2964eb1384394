"""The review of findings: reasons, a decision with its reason, and the sign-off of a period."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

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
    menu = page.get_by_role("navigation", name="App pages")
    expect(menu.get_by_role("link", name=f"Unusual {before - 1} to review")).to_be_visible()
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


def test_csv_equals_the_screen_and_a_finding_is_assigned_and_discussed(
    page: Page, tmp_path: Path
) -> None:
    page.get_by_role("button", name="Assign", exact=True).click()
    page.get_by_role("combobox", name="Assign to").click()
    page.get_by_role("option", name="Me (").click()
    expect(page.get_by_role("button", name="Assigned to Maya")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("textbox", name="Comment").fill("<b>Asked</b> *her*")
    page.get_by_role("button", name="Add comment").click()
    expect(page.get_by_role("heading", name="Comments: 1")).to_be_visible()
    expect(page.get_by_text("<b>Asked</b> *her*")).to_be_visible()
    opened = page.locator("tbody tr[aria-current]")
    expect(opened).to_contain_text("Maya")
    # Each title is there to its end.
    cut = page.locator("tbody .main").evaluate_all(
        "titles => titles.map((title) => title.scrollHeight > title.clientHeight + 1)"
    )
    assert len(cut) >= total(page)
    assert not any(cut)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    path = tmp_path / "findings.csv"
    download.value.save_as(path)
    table = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    cells = [cell.lstrip("▲◆○✓\n ") for cell in opened.locator("td").all_inner_texts()]
    # The glyph before a text is only on screen, as are weekdays; what is kept has dates.
    assert [cells[0], *cells[2:]] in [[row[0], *row[2:]] for row in table[1:]]
    assert table[0][:3] == ["Points", "Finding", "State"]


def test_rules_have_matches_and_a_risk_is_changed_and_reset(page: Page) -> None:
    page.get_by_role("radio", name="Rules").click()
    expect(page.get_by_text("in the last 90 days").first).to_be_visible()
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
