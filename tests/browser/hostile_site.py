"""A workspace with hostile names only, and a browser page that records violations."""

import contextlib
import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, expect

from tests.browser import locators
from tests.browser.conftest import PASSWORD, Site
from trail.accounts.users import Users
from trail.core.clock import utc_now
from trail.core.model import Directory, Person
from trail.core.sections import Forward
from trail.core.settings import Settings
from trail.events import annotations
from trail.events.annotations import Annotation
from trail.ingest import directory
from trail.ingest.files import load_files
from trail.notifications import destinations, rule_store
from trail.notifications.destination import Destination
from trail.notifications.rule import Rule
from trail.retention import legal_holds
from trail.storage.duckdb import Store

# Events of the strings start here, a minute apart; all others happened in the last hours.
FIRST = utc_now().replace(second=0, microsecond=0) - dt.timedelta(days=4)
_LATELY = utc_now() - dt.timedelta(hours=5)
# Types of the catalogue, so that People, Failures and Unusual show the same names.
_KNOWN = (
    ("Source Deleted", "source"),
    ("Warehouses Disabled", "warehouse"),
    ("Destination Deleted", "destination"),
    ("Warehouse Run Failed", "warehouse"),
    ("Warehouse Run Failed", "warehouse"),
    ("Audience Run Failed", "audience"),
    ("Audience Run Failed", "audience"),
)

# JavaScript: list elements that a page contains only if a name was interpreted. It enters shadow
# roots and takes the server's origin. Styles of components are allowed, URLs in them are not.
_FIND_INJECTED = """(origin) => {
  const found = [];
  const report = (node, why) => found.push(`${why}: ${node.outerHTML.slice(0, 200)}`);
  const sameOrigin = (url) => new URL(url, document.baseURI).origin === origin;
  const visit = (root) => {
    for (const node of root.querySelectorAll("*")) {
      const name = node.localName;
      if (node.shadowRoot) visit(node.shadowRoot);
      for (const attribute of node.attributes) {
        if (/^on/i.test(attribute.name)) report(node, "a script in an attribute");
        const urlAttributes = ["href", "src", "action", "data", "srcset", "poster", "formaction"];
        if (!urlAttributes.includes(attribute.localName) || !attribute.value.trim()) continue;
        const url = attribute.value;
        const embedded = /^(blob:|data:(image|font)\\/)/i.test(url) || url[0] === "#";
        let foreign = !embedded;
        try { foreign = foreign && !sameOrigin(url); } catch { foreign = true; }
        if (foreign) report(node, "a URL of another server");
      }
      if (/url\\((?!["']?(data:|blob:|#))/i.test(node.getAttribute("style") || "")
          && !node.style.cssText.includes(origin)) report(node, "a style with a URL");
      if (["iframe", "object", "embed", "video", "audio", "base", "marquee", "math", "xss"]
          .includes(name)) report(node, "a forbidden element");
      if (name === "a" && node.namespaceURI.endsWith("svg")) report(node, "a link in a drawing");
      if (node.matches(".katex, mjx-container, .MathJax, .stMarkdownColoredText, .stMarkdownBadge"))
        report(node, "a formula or a colour");
      if (node.matches("[data-testid=stIconMaterial]") && node.textContent === "skull")
        report(node, "an icon");
      if (name === "tspan" && /font-(weight|style)|baseline/.test(node.getAttribute("style") || ""))
        report(node, "a tag in a drawing");
    }
  };
  visit(document);
  return found;
}"""


class Canary:
    """A server that no page has a reason to request; it records what is requested."""

    def __init__(self) -> None:
        requests: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append(self.path)
                self.send_response(204)
                self.end_headers()

            do_POST = do_HEAD = do_OPTIONS = do_GET

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        self.requests = requests
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> "Canary":
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def fill(folder: Path, settings: Settings, strings: list[str]) -> None:
    """Create a database and users in *folder*; every name is one of *strings*."""
    users = Users(folder / "users.yaml")
    users.add("maya", strings[0], "maya.lind@example.com", "owner", PASSWORD)
    for number, text in enumerate(strings[1:4]):
        users.add(f"guest{number}", text, "guest@example.com", "manager", PASSWORD)
    (folder / "late.ndjson").write_text(
        json.dumps(_record("late", utc_now(), "Source Deleted", "source", strings[5]))
    )
    path = folder / f"{strings[2].replace('/', '.')[:80]}.ndjson"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in _records(strings)))
    store = Store.open(settings.store.path, settings)
    try:
        assert not [b.error for b in load_files(store, settings, [path]) if b.error]
        people = [Person(f"users/{text}", text, text) for text in strings[::2]]
        directory.keep(store, Directory("w", f"{strings[3]} {strings[60]}", "w", tuple(people)))
        notes = [Annotation(FIRST + dt.timedelta(minutes=n), None, t) for n, t in _some(strings)]
        annotations.add(store, notes, strings[4])
        for number, text in _some(strings):
            legal_holds.add(store, ("event", "target")[number % 2], text, None, None, text, text)
            store.write(lambda cursor, made=_destination(number, text): _add(cursor, made))
            name = "".join(letter for letter in text if letter.isprintable())[:80]
            rule = Rule(name=name, query="kind=delete", destinations=(f"{number} {name}"[:60],))
            store.write(lambda cursor, rule=rule: rule_store.save(cursor, rule, "maya"))
    finally:
        store.close()


def _some(strings: list[str]) -> list[tuple[int, str]]:
    return list(enumerate(text for text in strings[::83] if text.strip()))[:12]


def _destination(number: int, text: str) -> Destination:
    name = f"{number} " + "".join(letter for letter in text if letter.isprintable())
    return Destination(0, "webhook", name[:60], {"url": "http://127.0.0.1:9/x"}, {"key": "hook"})


def _add(cursor: Any, made: Destination) -> None:
    forward = Forward(secrets={"hook": f"whsec_{'A' * 32}"}, allow_loopback=True)
    destinations.add(cursor, made, forward, "maya")


def _records(strings: list[str]) -> Iterator[dict[str, str]]:
    for number, text in enumerate(strings):
        at = FIRST + dt.timedelta(minutes=number)
        yield _record(f"{number} {text}", at, text, text, text)
    for number, text in enumerate(strings[::7]):
        for place, (action, thing) in enumerate(_KNOWN):
            at = _LATELY + dt.timedelta(seconds=number * 60 + place * 5)
            yield _record(f"known-{number}-{place}", at, action, thing, text)
    for number, text in enumerate(strings[::11]):
        # Goes to quarantine, with the string in the reason.
        yield {**_record(f"bad-{number}", _LATELY, text, text, text), "timestamp": text}


def _record(event_id: str, at: dt.datetime, action: str, thing: str, text: str) -> dict[str, str]:
    return {
        "id": event_id,
        "timestamp": f"{at.isoformat()}Z",
        "type": action,
        "actor": f"users/{text}",
        "actorEmail": text,
        "resourceId": text,
        "resourceType": thing,
        "resourceName": text,
        "workspaceId": text,
    }


class WatchedPage:
    """A signed-in browser page and its violations: requests elsewhere, dialogs, errors, windows."""

    def __init__(self, site: Site, page: Page) -> None:
        self.site, self.page = site, page
        self.violations: list[str] = []
        page.on("request", self._on_request)
        page.on("dialog", self._on_dialog)
        page.on("pageerror", lambda error: self.violations.append(f"an error: {error}"))
        page.on("popup", lambda other: self.violations.append(f"a window: {other.url}"))

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.site.url, "data:image", "data:font", "blob:")):
            self.violations.append(f"requested {request.url[:200]}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.violations.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, path: str, shows: str) -> None:
        """Open *path*; wait until the selector *shows* is visible and the page has settled."""
        self.page.goto(self.site.url + path)
        expect(self.page.locator(shows).first).to_be_visible()
        self.settle()

    def change_window(self, path: str) -> None:
        """Go to *path*, the same page with another window, without a load, as Back does."""
        before = self.page.locator(".trail-window").first.inner_text()
        self.page.evaluate(
            "(url) => { history.pushState({}, '', url); "
            "window.dispatchEvent(new PopStateEvent('popstate', { state: {} })); }",
            path,
        )
        expect(self.page.locator(".trail-window").first).not_to_have_text(before)
        self.settle()

    def settle(self) -> None:
        """Wait until the server has drawn everything."""
        locators.settle(self.page)

    def check(self) -> None:
        """Fail if a name became an element, ran, or caused a request."""
        injected = self.page.evaluate(_FIND_INJECTED, self.site.url)
        assert not (self.violations or injected), (
            self.page.url[:300],
            self.violations[:5],
            injected[:5],
        )
        expected = (" - Audit Trail", "Audit Trail")
        assert self.page.title().endswith(expected), self.page.title()


@contextlib.contextmanager
def watch(site: Site, browser: Browser) -> Iterator[WatchedPage]:
    """Yield a page of the owner that bypasses the Content-Security-Policy."""
    context: BrowserContext = browser.new_context(
        viewport={"width": 1440, "height": 1400}, timezone_id="Europe/Oslo", bypass_csp=True
    )
    page = context.new_page()
    watched = WatchedPage(site, page)
    page.goto(f"{site.url}/explore")
    page.get_by_role("textbox", name="Username").fill("maya")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".trail-summary").first).to_be_visible()
    yield watched
    context.close()
