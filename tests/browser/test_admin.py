"""Admin and Connect: sources, quarantine, unknown types, legal holds and coverage."""

import datetime as dt
import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import HOSTILE, Site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def odd_records(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Load a record that is refused and an event of an unknown type."""
    path = tmp_path_factory.mktemp("odd") / "odd.ndjson"
    at = dt.datetime.now(dt.UTC).isoformat()
    unknown = {"id": "odd-1", "timestamp": at, "type": f"Widget {HOSTILE}", "actor": "users/x"}
    path.write_text("{broken\n" + json.dumps(unknown) + "\n")
    site.command("load", str(path))


@pytest.fixture
def admin(visit: Callable[..., Page], odd_records: None) -> Callable[[str], Page]:
    """Return a function that opens a tab of Admin, with a refused record in quarantine."""

    def opened(section: str) -> Page:
        page = visit(f"/admin?section={section}", shows="h1")
        expect(page.get_by_role("heading", name="Admin")).to_be_visible()
        return page

    return opened


def test_tab_is_in_the_address_and_back_works(admin: Callable[[str], Page]) -> None:
    page = admin("batches")
    expect(page.get_by_text("Read = kept + duplicates + quarantined.")).to_be_visible()
    page.get_by_role("radio", name="Quarantine").click()
    expect(page.get_by_text("could not be read").first).to_be_visible()
    assert "section=quarantine" in page.url
    page.reload()
    expect(page.get_by_text("could not be read").first).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Read = kept + duplicates + quarantined.")).to_be_visible()


def test_retry_of_a_refused_record(admin: Callable[[str], Page]) -> None:
    page = admin("quarantine")
    expect(page.get_by_text("Not JSON").first).to_be_visible()
    page.get_by_role("button", name="Retry batch").first.click()
    expect(page.get_by_text("quarantined again")).to_be_visible()


def test_category_of_an_unknown_type_changes_the_facets(
    admin: Callable[[str], Page], site: Site
) -> None:
    page = admin("types")
    expect(page.get_by_text(f"Widget {HOSTILE.split(chr(32), 1)[0]}").first).to_be_visible()
    page.get_by_role("combobox", name="Category of Widget").click()
    page.get_by_role("option", name="Engage").click()
    page.wait_for_timeout(1_000)
    facets = json.loads(site.command("facets", "--json", "--query", "from=2000-01-01&q=Widget"))
    assert facets["category"] == [{"value": "Engage", "count": 1}]


def test_place_and_end_a_legal_hold(admin: Callable[[str], Page], site: Site) -> None:
    page = admin("retention")
    expect(page.get_by_text("Events are kept for 90 days")).to_be_visible()
    page.get_by_text("New legal hold").click()
    page.get_by_role("textbox", name="Target ID or name").fill("w1")
    page.get_by_role("textbox", name="Reason").fill("Asked for by the auditor")
    page.get_by_role("button", name="Place hold").click()
    expect(page.get_by_text(re.compile(r"Hold \d+ placed on 1 event"))).to_be_visible()
    page.reload()
    expect(page.get_by_text("Asked for by the auditor")).to_be_visible()
    page.get_by_role("button", name="End hold").click()
    expect(page.get_by_text("No legal holds")).to_be_visible()


def test_coverage_shows_ninety_days(
    admin: Callable[[str], Page],
) -> None:
    page = admin("coverage")
    expect(page.locator(".trail-days > span[title]")).to_have_count(90)
    # Coverage starts with the first event that the webhook delivers.
    since = re.compile("No source has collected yet|No coverage gap since")
    expect(page.get_by_text(since)).to_be_visible()


def test_connect_shows_missing_settings_and_tests_a_source(
    admin: Callable[[str], Page], site: Site
) -> None:
    page = admin("sources")
    expect(page.get_by_text("Not configured: segment.token is empty.")).to_be_visible()
    page.goto(f"{site.url}/connect")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text("Enter a token.")).to_be_visible()
    table = b"when,type\n2026-01-02T03:04:05Z,Source Created\nnever,Source Created\n"
    file = FilePayload(name=f"{HOSTILE}.csv", mimeType="text/csv", buffer=table)
    page.locator("input.file").set_input_files(file)
    expect(page.get_by_text("Choose the columns of this table")).to_be_visible()
    page.get_by_role("combobox").first.click()
    page.get_by_role("option", name="when").click()
    expect(page.get_by_text("Time not understood")).to_be_visible()
    expect(page.get_by_role("button", name="Import 1 event")).to_be_visible()
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("Drop a file here")).to_be_visible()
    page.get_by_text("Files on the server").click()
    expect(page.get_by_role("button", name="Test: Watched folder")).to_be_disabled()
    page.get_by_role("button", name="Send a test request").click()
    expect(page.get_by_text("accepts requests that are signed with your key")).to_be_visible()
