"""What an owner does on Admin and Connect: see how sources are, mend what was refused, hold."""

import datetime as dt
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import HOSTILE, Site

pytestmark = pytest.mark.browser


@pytest.fixture
def admin(visit: Callable[..., Page], site: Site, tmp_path: Path) -> Callable[[str], Page]:
    """Return a function that opens a section of Admin, where something was refused before."""
    path = tmp_path / "odd.ndjson"
    at = dt.datetime.now(dt.UTC).isoformat()
    unknown = {"id": "odd-1", "timestamp": at, "type": f"Widget {HOSTILE}", "actor": "users/x"}
    path.write_text("{broken\n" + json.dumps(unknown) + "\n")
    site.command("load", str(path))

    def opened(section: str) -> Page:
        page = visit("/explore")
        page.goto(f"{site.url}/admin?section={section}")
        expect(page.get_by_role("heading", name="Admin")).to_be_visible()
        return page

    return opened


def test_sections_are_in_the_address_and_back_works(admin: Callable[[str], Page]) -> None:
    page = admin("batches")
    expect(page.get_by_text("Read = kept + duplicates + quarantined.")).to_be_visible()
    page.get_by_role("radio", name="Quarantine").click()
    expect(page.get_by_text("could not be read").first).to_be_visible()
    assert "section=quarantine" in page.url
    page.reload()
    expect(page.get_by_text("could not be read").first).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Read = kept + duplicates + quarantined.")).to_be_visible()


def test_a_refused_record_is_shown_and_tried_again(admin: Callable[[str], Page]) -> None:
    page = admin("quarantine")
    expect(page.get_by_text("Not JSON").first).to_be_visible()
    page.get_by_role("button", name="Try the batch again").first.click()
    expect(page.get_by_text("refused again")).to_be_visible()


def test_an_unknown_type_is_put_in_a_category_and_the_facets_follow(
    admin: Callable[[str], Page], site: Site
) -> None:
    page = admin("types")
    expect(page.get_by_text(f"Widget {HOSTILE.split(chr(32), 1)[0]}").first).to_be_visible()
    page.get_by_role("combobox", name="Category of Widget").click()
    page.get_by_role("option", name="Engage").click()
    page.wait_for_timeout(1_000)
    facets = json.loads(site.command("facets", "--json", "--query", "from=2000-01-01&q=Widget"))
    assert facets["category"] == [{"value": "Engage", "count": 1}]


def test_a_target_is_held_and_let_go(admin: Callable[[str], Page], site: Site) -> None:
    page = admin("retention")
    expect(page.get_by_text("Events are kept for 90 days")).to_be_visible()
    page.get_by_text("Hold something").click()
    page.get_by_role("textbox", name="Target id, or its name").fill("w1")
    page.get_by_role("textbox", name="Reason").fill("Asked for by the auditor")
    page.get_by_role("button", name="Hold", exact=True).click()
    expect(page.get_by_text("1 event is held now")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Asked for by the auditor")).to_be_visible()
    page.get_by_role("button", name="End the hold").click()
    expect(page.get_by_text("Nothing is held.")).to_be_visible()


def test_coverage_draws_ninety_days_and_says_since_when_it_watches(
    admin: Callable[[str], Page],
) -> None:
    page = admin("coverage")
    expect(page.locator(".trail-days > span[title]")).to_have_count(90)
    # The server notes that it listens once a minute: before the first note nothing watches.
    since = re.compile("Nothing watches yet|Watched without a gap since")
    expect(page.get_by_text(since)).to_be_visible()


def test_connect_says_what_is_missing_and_tests_what_is_there(
    admin: Callable[[str], Page], site: Site
) -> None:
    page = admin("sources")
    expect(page.get_by_text("Not set up: segment.token is empty.")).to_be_visible()
    page.goto(f"{site.url}/connect")
    expect(page.get_by_role("button", name="Test: Segment's Public API")).to_be_disabled()
    page.get_by_role("button", name="Test: Segment's webhook").click()
    expect(page.get_by_text("takes what is signed with your key")).to_be_visible()


def test_a_manager_may_not_open_it(visit: Callable[..., Page], site: Site) -> None:
    page = visit("/explore", "jon")
    page.goto(f"{site.url}/admin")
    expect(page.get_by_text("Admin is not open to the role manager")).to_be_visible()
