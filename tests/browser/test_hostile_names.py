"""Names that are markup, formulas, links and images are shown as text on every page.

The server of this module has hostile names only. Nothing in a name may run, be requested or become
an element. The browser bypasses the Content-Security-Policy, so that the pages are tested alone.
"""

import datetime as dt
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site, serving
from tests.browser.hostile_site import FIRST, Canary, WatchedPage, fill, watch
from tests.browser.hostile_strings import hostile_strings
from tests.browser.locators import open_row
from tests.conftest import CORPORA_VARIABLE
from trail.core.sections import Store as StoreSettings
from trail.core.settings import CONFIG_VARIABLE, Settings

pytestmark = pytest.mark.browser

# The number of lanes that the Timeline draws.
BATCH = 40
FRAME = '[data-testid="stDataFrame"] canvas'
TABLE = ".table tbody tr"


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    with Canary() as started:
        yield started


@pytest.fixture(scope="module")
def strings(canary: Canary) -> list[str]:
    """Return the project's hostile strings, and some of the Big List of Naughty Strings.

    Each run takes others of the list, where it is available: its seed decides.
    """
    collected = hostile_strings(canary.url)
    naughty = Path(os.environ.get(CORPORA_VARIABLE, "")) / "BLNS" / "blns.json"
    if naughty.is_file():
        listed = [text for text in json.loads(naughty.read_bytes()) if text.strip()]
        collected += random.sample(listed, len(listed) // 3)
    collected = list(dict.fromkeys(collected))
    assert len(collected) >= 600
    return collected


@pytest.fixture(scope="module")
def site(strings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CONFIG_VARIABLE, str(folder / "no-such.toml"))
        fill(folder, Settings(store=StoreSettings(path=folder / "trail.duckdb")), strings)
    secrets = json.dumps({"hook": f"whsec_{'A' * 32}"})
    with serving(
        folder, TRAIL_FORWARD__SECRETS=secrets, TRAIL_FORWARD__ALLOW_LOOPBACK="true"
    ) as running:
        # Alert rules match events that arrive while the server runs; this one is delivered.
        running.command("load", str(folder / "late.ndjson"))
        yield running


@pytest.fixture(scope="module")
def watched(site: Site, browser: Browser, canary: Canary) -> Iterator[WatchedPage]:
    with watch(site, browser) as opened:
        yield opened
    assert canary.requests == []


def span(first: int, last: int) -> str:
    """Return the query string that selects the events of strings *first* to *last* (exclusive)."""
    start, end = (FIRST + dt.timedelta(minutes=number) for number in (first, last))
    return urlencode({"from": f"{start.isoformat()}Z", "to": f"{end.isoformat()}Z"})


def hover(page: Page, selector: str, most: int) -> None:
    """Move the mouse over at most about *most* marks of a chart, evenly spread."""
    marks = page.locator(selector)
    count = marks.count()
    for number in range(0, count, max(1, count // most)):
        box = marks.nth(number).bounding_box()
        if box:
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.wait_for_timeout(70)


def test_strings_as_lanes_of_the_timeline(watched: WatchedPage, strings: list[str]) -> None:
    """Labels and tooltips of the chart, alternating between actors and targets.

    Neighbours are alike, so every second page of lanes is enough.
    """
    for number, first in enumerate(range(0, len(strings), 2 * BATCH)):
        by = ("actor", "target")[number % 2]
        address = f"/timeline?{span(first, first + BATCH)}&by={by}&top=more"
        if first:
            watched.change_window(address)
        else:
            watched.open(address, ".lane")
        track = watched.page.locator(".lane .track").first
        expect(track).to_be_visible()
        track.press("End")
        expect(watched.page.locator(".lane-tip")).to_be_visible()
        watched.check()


def test_every_string_in_the_table_and_the_facets(watched: WatchedPage, strings: list[str]) -> None:
    step = 100
    for first in range(0, len(strings), step):
        address = f"/explore?{span(first, first + step)}"
        if first:
            watched.change_window(address)
        else:
            watched.open(address, TABLE)
            for group in ("Action", "Actor", "Target type"):  # facets stay expanded
                watched.page.get_by_role("button", name=f"more in {group}").click()
        expect(
            watched.page.get_by_role("group", name="Actor", exact=True).locator(".row")
        ).to_have_count(min(step, len(strings) - first))
        expect(watched.page.locator(TABLE)).to_have_count(min(step, len(strings) - first))
        watched.check()


def test_event_panel(watched: WatchedPage, strings: list[str]) -> None:
    for number in range(0, len(strings), len(strings) // 16)[::2]:
        event = urlencode({"event": f"{number} {strings[number]}"})
        address = f"/explore?{event}&{span(number, number + 1)}"
        if number:
            watched.change_window(address)
        else:
            watched.open(address, ".root .sentence")
        expect(watched.page.locator(".fields").get_by_text(f"{number} ").first).to_be_visible()
        toggle = watched.page.locator(".raw [aria-expanded=false]").last
        if toggle.is_visible():
            toggle.click()
        watched.check()


def test_strings_in_the_url(watched: WatchedPage, strings: list[str]) -> None:
    for number in range(3, len(strings), len(strings) // 4)[::2]:
        text = strings[number]
        actor = f"users/{text}"
        for path, query in (
            ("explore", {"from": "30d", "actor": actor, "q": text, "action": f"-{text}"}),
            ("people", {"who": actor, "from": "30d"}),
            ("people", {"what": text}),
            ("alerts", {"section": "rules", "rule": urlencode({"action": text, "actor": actor})}),
        ):
            watched.open(f"/{path}?{urlencode(query)}", "h1")
            watched.check()


def test_what_cannot_be_read_is_quoted_as_text(watched: WatchedPage, canary: Canary) -> None:
    for text in ("x@canary.example.com", f"![x]({canary.url})", ":material/skull:", "<b>x</b>"):
        watched.open(f"/explore?{urlencode({'from': text, text: 1})}", '[role="alert"]')
        shown = watched.page.get_by_role("alert").inner_text().replace("\u2060", "")
        assert f"Time {text!r} is not understood." in shown
        assert f"no filter has this name: {text}." in shown
        watched.check()


def test_overview_and_people(watched: WatchedPage, strings: list[str]) -> None:
    for path in ("/?from=30d", "/?from=24h"):
        watched.open(path, ".tile")
        watched.check()
    watched.open("/people?from=30d", TABLE)
    watched.check()
    watched.open(f"/digest?week={FIRST.date()}", "[data-figure=events]")
    watched.check()


def test_failures_and_one_incident(watched: WatchedPage) -> None:
    watched.open("/failures?from=30d&class=open", ".strip-row")
    expect(watched.page.get_by_role("heading", name="Recurrence")).to_be_visible()
    watched.page.wait_for_timeout(
        1_000
    )  # the table is rebuilt; a row must not move under the click
    watched.check()
    # The failures may be two storms: whether they are one depends on the hour.
    open_row(watched.page, 2)
    watched.page.wait_for_url("**incident=**")
    watched.settle()
    watched.check()


def test_unusual_and_some_findings(watched: WatchedPage) -> None:
    watched.open("/unusual?from=30d&all=1", TABLE)
    expect(watched.page.get_by_role("heading", name="Why this is unusual")).to_be_visible()
    hover(watched.page, ".js-plotly-plot .points path", 4)
    watched.check()
    open_row(watched.page, 7)
    watched.page.wait_for_url("**finding=**")
    watched.settle()
    watched.check()
    for section in ("rules", "expected", "signed"):
        watched.open(f"/unusual?section={section}&from=30d", ".trail-summary")
        watched.check()


@pytest.mark.parametrize(
    "path",
    [
        "/alerts?section=rules",
        "/alerts?section=destinations",
        "/alerts?section=log",
        "/admin?section=sources",
        "/admin?section=coverage",
        "/admin?section=batches",
        "/admin?section=quarantine",
        "/admin?section=types",
        "/admin?section=retention",
        "/admin?section=users",
        "/admin?section=roles",
        "/connect",
        "/access?from=30d",
        "/account",
    ],
)
def test_owner_pages(watched: WatchedPage, path: str) -> None:
    watched.open(path, "h1")
    collapsed = "[...document.querySelectorAll('details:not([open]) summary')]"
    watched.page.evaluate(f"{collapsed}.slice(0, 6).forEach((summary) => summary.click())")
    watched.settle()
    watched.check()


def test_toasts_that_quote_a_name(watched: WatchedPage) -> None:
    """Messages about a retried batch and about a destination with a hostile name."""
    watched.open("/admin?section=quarantine", "h1")
    watched.page.get_by_role("button", name="Retry batch").first.click()
    expect(watched.page.get_by_text("quarantined again").first).to_be_visible()
    watched.check()
    watched.open("/alerts?section=destinations", "h1")
    watched.page.get_by_role("button", name="Send test message").first.click()
    expect(watched.page.get_by_text("Test message not delivered").first).to_be_visible()
    watched.check()
    watched.open("/alerts?section=log", "h1")
    expect(watched.page.locator(FRAME).first).to_be_visible()
    watched.check()
