"""A workspace in which every name is hostile, and a watch on what a browser does with it."""

import contextlib
import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, expect

from tests.browser.conftest import PASSWORD, Site
from trail.accounts.users import Users
from trail.core.model import Directory, Person
from trail.core.settings import Forward, Settings
from trail.events import annotations
from trail.events.annotations import Annotation
from trail.ingest import directory
from trail.ingest.files import load_files
from trail.notifications import destinations, rule_store
from trail.notifications.destinations import Destination
from trail.notifications.rule import Rule
from trail.retention import legal_holds
from trail.storage.database import Store, utc_now

# The strings' events stand a minute apart, from here on; all else happened in the last hours.
FIRST = utc_now().replace(second=0, microsecond=0) - dt.timedelta(days=4)
_LATELY = utc_now() - dt.timedelta(hours=5)
# Known types, so that people, failures and unusual have something to say about the same names.
_KNOWN = (
    ("Source Deleted", "source"),
    ("Warehouses Disabled", "warehouse"),
    ("Destination Deleted", "destination"),
    ("Warehouse Run Failed", "warehouse"),
    ("Warehouse Run Failed", "warehouse"),
    ("Audience Run Failed", "audience"),
    ("Audience Run Failed", "audience"),
)

# What may be in a page of ours but never because a name says so. It looks into shadow roots, and
# is given the server's own origin. A component's own `style` is ours, so only addresses count.
_MADE_OF_TEXT = """(origin) => {
  const found = [];
  const say = (node, why) => found.push(`${why}: ${node.outerHTML.slice(0, 200)}`);
  const ours = (url) => new URL(url, document.baseURI).origin === origin;
  const look = (root) => {
    for (const node of root.querySelectorAll("*")) {
      const name = node.localName;
      if (node.shadowRoot) look(node.shadowRoot);
      for (const each of node.attributes) {
        if (/^on/i.test(each.name)) say(node, "a script in an attribute");
        const addressed = ["href", "src", "action", "data", "srcset", "poster", "formaction"];
        if (!addressed.includes(each.localName) || !each.value.trim()) continue;
        const inside = /^(blob:|data:(image|font)\\/)/i.test(each.value) || each.value[0] === "#";
        let strange = !inside;
        try { strange = strange && !ours(each.value); } catch { strange = true; }
        if (strange) say(node, "an address elsewhere");
      }
      if (/url\\((?!["']?(data:|blob:|#))/i.test(node.getAttribute("style") || "")
          && !node.style.cssText.includes(origin)) say(node, "a style with an address");
      if (["iframe", "object", "embed", "video", "audio", "base", "marquee", "math", "xss"]
          .includes(name)) say(node, "a forbidden element");
      if (name === "a" && node.namespaceURI.endsWith("svg")) say(node, "a link in a drawing");
      if (node.matches(".katex, mjx-container, .MathJax, .stMarkdownColoredText, .stMarkdownBadge"))
        say(node, "a formula or a colour");
      if (node.matches("[data-testid=stIconMaterial]") && node.textContent === "skull")
        say(node, "an icon");
      if (name === "tspan" && /font-(weight|style)|baseline/.test(node.getAttribute("style") || ""))
        say(node, "a tag in a drawing");
    }
  };
  look(document);
  return found;
}"""


class Canary:
    """A server that nobody has a reason to ask; it keeps what it was asked."""

    def __init__(self) -> None:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            do_POST = do_HEAD = do_OPTIONS = do_GET

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.asked = asked
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
    """Make in *folder* a database and users whose every name is one of *strings*."""
    users = Users(folder / "users.yaml")
    users.add("maya", strings[0], "maya.lind@example.com", "owner", PASSWORD)
    for number, text in enumerate(strings[1:4]):
        users.add(f"guest{number}", text, "guest@example.com", "manager", PASSWORD)
    (folder / "late.ndjson").write_text(
        json.dumps(_record("late", utc_now(), "Source Deleted", "source", strings[5]))
    )
    path = folder / f"{strings[2].replace('/', '.')[:80]}.ndjson"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in _records(strings)))
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
            store.write(lambda cursor, rule=rule: rule_store.keep(cursor, rule, "maya"))
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
        # Refused, and the reason quotes it.
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


class Watched:
    """A browser's page, signed in, and what it did that it had no reason to do."""

    def __init__(self, site: Site, page: Page) -> None:
        self.site, self.page = site, page
        self.wrong: list[str] = []
        page.on("request", self._asked)
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.wrong.append(f"an error: {error}"))
        page.on("popup", lambda other: self.wrong.append(f"a window: {other.url}"))

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.site.url, "data:image", "data:font", "blob:")):
            self.wrong.append(f"asked {request.url[:200]}")

    def _dialog(self, dialog: Dialog) -> None:
        self.wrong.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, path: str, shows: str) -> None:
        """Open *path* and wait until *shows*, a selector, is there and the page has settled."""
        self.page.goto(self.site.url + path)
        expect(self.page.locator(shows).first).to_be_visible()
        self.settle()

    def turn(self, path: str) -> None:
        """Go to *path*, of the same page with another window, as Back would: without a load."""
        before = self.page.locator(".trail-window").first.inner_text()
        self.page.evaluate(
            "(url) => { history.pushState({}, '', url); "
            "window.dispatchEvent(new PopStateEvent('popstate', { state: {} })); }",
            path,
        )
        expect(self.page.locator(".trail-window").first).not_to_have_text(before)
        self.settle()

    def settle(self) -> None:
        """Wait until the server has drawn all."""
        expect(self.page.locator("[data-test-script-state=running]")).to_have_count(0)

    def look(self) -> None:
        """Fail when anything on the page was made out of a name, or ran."""
        made = self.page.evaluate(_MADE_OF_TEXT, self.site.url)
        assert not (self.wrong or made), (self.page.url[:300], self.wrong[:5], made[:5])
        expected = (" - Audit Trail", "Audit Trail")
        assert self.page.title().endswith(expected), self.page.title()


@contextlib.contextmanager
def watched(site: Site, browser: Browser) -> Iterator[Watched]:
    """Give a page of the owner, in a browser that obeys no content policy: only we protect it."""
    context: BrowserContext = browser.new_context(
        viewport={"width": 1440, "height": 1400}, timezone_id="Europe/Oslo", bypass_csp=True
    )
    page = context.new_page()
    seen = Watched(site, page)
    page.goto(f"{site.url}/explore")
    page.get_by_role("textbox", name="Username").fill("maya")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".trail-summary").first).to_be_visible()
    yield seen
    context.close()
