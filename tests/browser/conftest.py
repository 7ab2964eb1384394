"""A real server on a small demo workspace with one hostile event, and headless Chromium."""

import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests import in_process
from tests.browser.find_chromium import chromium
from tests.started_server import free_port, until_healthy
from trail import demo
from trail.accounts.users import Users

ROOT = Path(__file__).parents[2]
PASSWORD = "correct-horse-9"
HOSTILE = '<img src=x onerror="document.title=1">![x](https://example.com/x.png) =1+1 \u202eabc'
VIEWPORT: ViewportSize = {"width": 1440, "height": 1000}
RERUNNING = "[data-testid=stApp][data-test-script-state=running]"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # What a page runs is compiled again for each one that is opened, and runs for a second.
    "--js-flags=--no-opt --no-maglev",
)

expect.set_options(timeout=20_000)


@dataclass(frozen=True)
class Site:
    """A running server and the environment of commands that reach it."""

    url: str
    environment: dict[str, str]
    pid: int

    def command(self, *arguments: str) -> str:
        """Run a command of the product against the server; return its output."""
        code, output, messages = in_process.run(arguments, self.environment, ROOT)
        assert code == 0, (arguments, output, messages)
        return output


_LOGS: list[Path] = []


@pytest.fixture(autouse=True)
def no_page_error(tmp_path: Path) -> Iterator[None]:
    """Fail a test during which a page could not be drawn, even in an unchecked part.

    Depends on *tmp_path*, so that the log of a server of this test is still there afterwards.
    """
    assert tmp_path
    before = {path: path.stat().st_size for path in _LOGS if path.exists()}
    yield
    for path in filter(Path.exists, _LOGS):
        written = path.read_bytes()[before.get(path, 0) :].decode(errors="replace")
        assert "ERROR trail.ui" not in written, written[written.index("ERROR trail.ui") :]


@contextlib.contextmanager
def serving(folder: Path, **more: str) -> Iterator[Site]:
    """Run a server on the files of *folder*; *more* is added to its environment."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRAIL_")}
    port = more.get("TRAIL_SERVER__PORT") or str(free_port())
    environment = inherited | {
        "TRAIL_CONFIG": str(folder / "trail.toml"),
        "TRAIL_STORE__PATH": str(folder / "trail.duckdb"),
        "TRAIL_AUTH__USERS_PATH": str(folder / "users.yaml"),
        "TRAIL_SERVER__PORT": port,
        **more,
    }
    path = folder / "server.log"
    _LOGS.append(path)
    with path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "trail", "serve"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    running = Site(f"http://127.0.0.1:{port}", environment, process.pid)
    try:
        until_healthy(running.url, process, path)
        yield running
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start the server on a workspace of 5,000 events that end today."""
    folder = tmp_path_factory.mktemp("site")
    users = Users(folder / "users.yaml")
    users.add("maya", "Maya Lind", "maya.lind@example.com", "owner", PASSWORD)
    users.add("jon", "Jon Berg", "jon.berg@example.com", "manager", PASSWORD)
    demo.write(folder / "demo.ndjson", 5_000, 30, 1)
    (folder / "hostile.ndjson").write_text(json.dumps(_hostile()) + "\n")
    with serving(
        folder,
        TRAIL_PUSH__WEBHOOK_SECRETS='["whsec-of-the-tests"]',
        TRAIL_FORWARD__SECRETS=json.dumps({"hook": f"whsec_{'A' * 32}"}),
        TRAIL_FORWARD__ALLOW_LOOPBACK="true",
    ) as running:
        running.command("load", str(folder / "demo.ndjson"), str(folder / "hostile.ndjson"))
        yield running


def _hostile() -> dict[str, str]:
    at = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)
    return {
        "id": "hostile-1",
        "timestamp": at.isoformat(),
        "type": "Warehouses Disabled",
        "actor": "users/hostile",
        "actorEmail": HOSTILE,
        "resourceId": "w1",
        "resourceType": "warehouse",
        "resourceName": HOSTILE,
    }


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Start Chromium. Tests fail without one: a skip would leave the pages untested."""
    path = chromium()
    assert path, "Chromium is missing. Run `make test`, which installs it or says how."
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="package")
def contexts(browser: Browser) -> Iterator[Callable[[str], BrowserContext]]:
    """Return a function that gives the browser context of a user, which has compiled scripts."""
    made: dict[str, BrowserContext] = {}

    def context_of(username: str) -> BrowserContext:
        if username not in made:
            made[username] = browser.new_context(viewport=VIEWPORT, timezone_id="Europe/Oslo")
        return made[username]

    yield context_of
    for context in made.values():
        context.close()


@pytest.fixture
def visit(site: Site, contexts: Callable[[str], BrowserContext]) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a path as a signed-in user; a second call opens another page.

    It signs in if the user's session has ended, and with *through_form*, which ends it. It returns
    once the selector *shows* is visible. The first page of a user stays open, with its process,
    which has compiled the scripts; a test that changes it for later ones closes it.
    """
    opened: list[Page] = []

    def go(
        path: str = "/explore",
        username: str = "maya",
        *,
        shows: str = ".trail-summary",
        through_form: bool = False,
    ) -> Page:
        context = contexts(username)
        if through_form:
            context.clear_cookies()
        page = next((one for one in context.pages if one not in opened), None)
        page = _as_new(page) if page else _new_page(context)
        opened.append(page)
        signed_in = page.request.get(f"{site.url}/auth/alive").status == 204
        page.goto(site.url + path)
        if not signed_in:
            page.get_by_role("textbox", name="Username").fill(username)
            page.get_by_role("textbox", name="Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
        expect(page.locator(shows).first).to_be_visible()
        return page

    yield go
    errors: list[str] = []
    for context in {page.context for page in opened}:
        for page in {*context.pages, *opened}:
            errors += page.errors  # type: ignore[attr-defined]
        for page in context.pages[1:]:
            page.close()
        for page in context.pages:
            page.errors.clear()  # type: ignore[attr-defined]
            page.goto(f"{site.url}/healthz")  # ends its session at the server, as a closed tab
    assert not errors


def _new_page(context: BrowserContext) -> Page:
    page = context.new_page()
    # Elements can move away under the pointer while the script is still running.
    page.add_locator_handler(page.locator(RERUNNING), lambda _: None)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.errors = errors  # type: ignore[attr-defined]
    return page


def _as_new(page: Page) -> Page:
    """Return the page without what an earlier test left: size, colors, pointer, history, store."""
    page.set_viewport_size(VIEWPORT)
    page.emulate_media(color_scheme="light")
    page.mouse.move(0, 0)
    page.evaluate("sessionStorage.clear()")
    session = page.context.new_cdp_session(page)
    session.send("Page.resetNavigationHistory")
    session.detach()
    return page
