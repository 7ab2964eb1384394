"""Two workspaces in which part of the truth is unknown: every page says so, and since when.

In one a token was revoked, in the other all events come from files and the newest is days old.
`python -m tests.browser.test_unknown_data FOLDER` takes screenshots of their pages instead.
"""

import contextlib
import datetime as dt
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pydantic import SecretStr

from loaders._segment_http import SegmentSettings
from loaders.segment_api import LOADER
from tests.browser.conftest import FLAGS, PASSWORD, Site, serving
from tests.browser.find_chromium import chromium
from tests.browser.locators import settle
from tests.segment_api_server import TOKEN, SegmentApi
from trail import demo
from trail.accounts.users import Users
from trail.core.clock import utc_now
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.ingest import polling
from trail.ingest.files import load_files
from trail.storage.duckdb import Store

pytestmark = pytest.mark.browser

PAGES = ("overview", "explore", "timeline", "failures", "unusual", "people", "digest")
# What pages say of the last hour, of which nothing is known.
_LAST_HOUR = {
    "overview": "No data$",
    "explore": "No data since .+: what happened is not known",
    "failures": "No failed attempts in this window. No data since",
    "unusual": "No findings in this window. No data since",
    "people": "Unknown$",
}
_HOUR = dt.timedelta(hours=1)


@contextlib.contextmanager
def failing(folder: Path) -> Iterator[Site]:
    """Serve a workspace whose polls succeeded until 16 hours ago; then its token was revoked."""
    last = utc_now() - 16 * _HOUR
    records = [json.loads(line) for line in _events(folder, last).read_text().splitlines()]
    with SegmentApi(records) as api, _workspace(folder) as (store, settings):
        segment = SegmentSettings(token=SecretStr(TOKEN), url=api.url)
        polled = settings.model_copy(update={"segment": segment})
        batch = polling.pull(store, polled, LOADER, last)
        assert (batch.kept, batch.error) == (len(records), "")
        store.close()
        revoked = {"TRAIL_SEGMENT__TOKEN": "sgp_revoked", "TRAIL_SEGMENT__URL": api.url}
        with serving(folder, **revoked) as site:
            yield site


@contextlib.contextmanager
def stale(folder: Path) -> Iterator[Site]:
    """Serve a workspace of files without any source, whose newest event is three days old."""
    path = _events(folder, utc_now() - 72 * _HOUR)
    with _workspace(folder) as (store, settings):
        assert all(not batch.error for batch in load_files(store, settings, [path]))
        store.close()
        with serving(folder) as site:
            yield site


def _events(folder: Path, last: dt.datetime) -> Path:
    path, every = folder / "events.ndjson", folder / "all.ndjson"
    demo.write(every, 3_000, 30, 1, end=last + dt.timedelta(days=1))
    until = last.isoformat(timespec="milliseconds")
    with every.open() as lines, path.open("w") as file:
        file.writelines(line for line in lines if json.loads(line)["timestamp"][:23] < until)
    return path


@contextlib.contextmanager
def _workspace(folder: Path) -> Iterator[tuple[Store, Settings]]:
    Users(folder / "users.yaml").add("maya", "Maya", "maya@example.com", "owner", PASSWORD)
    settings = Settings(store=StoreSettings(path=folder / "trail.duckdb"))
    store = Store.open(settings.store.path, settings)
    try:
        yield store, settings
    finally:
        store.close()


def _signed_in(
    browser: Browser, site: Site, *, dark: bool = False, width: int = 1440, height: int = 1000
) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        timezone_id="Europe/Oslo",
    )
    page = context.new_page()
    page.goto(f"{site.url}/overview")
    page.get_by_role("textbox", name="Username").fill("maya")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".trail-summary").first).to_be_visible()
    return page


def test_every_page_says_that_a_token_fails_and_since_when(
    browser: Browser, tmp_path: Path
) -> None:
    with failing(tmp_path) as site:
        page = _signed_in(browser, site)
        # A window without any data has no zeros that look like a quiet hour.
        for path in (*PAGES, "explore?from=1h"):
            path, _, query = path.partition("?")
            if path in _LAST_HOUR and path != "explore":
                query = "from=1h"
            page.goto(f"{site.url}/{path}?{query}")
            banner = page.locator(".st-key-coverage-banner-failing")
            expect(banner).to_contain_text(re.compile("No data since .+The API token was not"))
            settle(page)
            calm = page.get_by_text(re.compile("Nothing needs|Quiet|events come from files", re.I))
            expect(calm).to_have_count(0)
            assert "sgp_revoked" not in page.content()
            if query:
                expect(page.get_by_text(re.compile(_LAST_HOUR[path])).first).to_be_visible()
            elif path in ("explore", "timeline"):
                expect(page.locator(".chart-gap .span-text").first).to_contain_text("No data since")
            if path == "overview":
                card = page.locator(".st-key-sources")
                expect(card.get_by_role("img", name="Failing")).to_be_visible()
                expect(card).to_contain_text("Failing since")
        page.get_by_role("link", name="Sources", exact=True).first.click()
        expect(
            page.get_by_text(re.compile("▲ Failing since .+token was not accepted"))
        ).to_be_visible()
        page.context.close()


def _screenshots(folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for workspace in (failing, stale):
            with tempfile.TemporaryDirectory() as files, workspace(Path(files)) as site:
                for width, dark in ((1440, False), (1440, True), (800, False), (390, False)):
                    page = _signed_in(browser, site, dark=dark, width=width, height=1500)
                    for path in (*PAGES, "admin", "admin?section=coverage"):
                        page.goto(f"{site.url}/{path}")
                        page.wait_for_timeout(3_000)
                        settle(page)
                        name = re.sub(r"\W+", "-", path)
                        look = f"{width}{'-dark' if dark else ''}"
                        target = folder / workspace.__name__ / f"{name}-{look}.png"
                        page.screenshot(path=target)
                    page.context.close()
        browser.close()


if __name__ == "__main__":
    _screenshots(Path(sys.argv[1]))
