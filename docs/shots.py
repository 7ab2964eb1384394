"""`make shots`: take the screenshots of the README in a browser.

Starts a server on a temporary demo database; your files are not changed.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import FLAGS, PASSWORD, serving
from tests.browser.find_chromium import chromium
from trail.accounts.users import Users
from trail.core.settings import Settings
from trail.runtime import demo_database

FOLDER = Path(__file__).parent / "img"
WIDE, NARROW = (1440, 1000), (800, 1000)
SHOTS = (
    ("overview-light", "/", "light", WIDE),
    ("overview-dark", "/", "dark", WIDE),
    ("explore-light", "/explore?category=Source&category=Warehouses&actor=-system", "light", WIDE),
    ("explore-dark", "/explore?category=Source&category=Warehouses&actor=-system", "dark", WIDE),
    ("detail-light", "/explore?kind=disable&from=30d", "light", WIDE),
    ("detail-dark", "/explore?kind=disable&from=30d", "dark", WIDE),
    ("timeline-light", "/timeline?from=30d", "light", WIDE),
    ("timeline-dark", "/timeline?from=7d&by=actor", "dark", WIDE),
    ("failures-light", "/failures?from=30d", "light", WIDE),
    ("failures-dark", "/failures?from=30d", "dark", WIDE),
    ("unusual-light", "/unusual?from=30d", "light", WIDE),
    ("unusual-dark", "/unusual?from=30d", "dark", WIDE),
    ("people-light", "/people?from=30d", "light", WIDE),
    ("people-dark", "/people?from=30d", "dark", WIDE),
    ("connect-light", "/connect", "light", WIDE),
    ("explore-narrow", "/explore", "light", NARROW),
    ("overview-narrow-dark", "/", "dark", NARROW),
)


def main() -> None:
    """Take all screenshots."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Users(folder / "users.yaml").add("maya", "Maya Lind", "", "owner", PASSWORD)
        database = folder / "trail.duckdb"
        demo_database.open_store(database, Settings(store={"path": database})).close()  # type: ignore[arg-type]
        with serving(folder) as site:
            draw(site.url)


def draw(url: str) -> None:
    """Open each page and save its screenshot."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for name, path, scheme, (width, height) in SHOTS:
            page = visit(browser, url + path, scheme, width, height)
            if name.startswith("detail"):
                page.locator(".table tbody tr").first.click()
                page.wait_for_url("**event=**")
            page.mouse.move(width - 2, height - 2)
            page.wait_for_timeout(2_500)
            page.screenshot(path=FOLDER / f"{name}.png")
            page.context.close()
        browser.close()


def visit(browser: Browser, url: str, scheme: str, width: int, height: int) -> Page:
    """Return the page at *url*, signed in."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        timezone_id="Europe/Oslo",
    )
    page = context.new_page()
    page.goto(url)
    page.get_by_role("textbox", name="Username").fill("maya")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator(".trail-summary, .st-key-connect-cards").first.wait_for()
    return page


if __name__ == "__main__":
    main()
