"""Names that are markup, formulas, links and pictures: on every page they are text, nothing else.

A server of its own, on which every name is hostile. Nothing may run, no address of a name may be
asked for, and no element may be made out of a name; the browser's content policy is switched off,
so that it is the pages that are tested.
"""

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import hostile_strings
from tests.browser.conftest import Site, serving
from tests.browser.hostile_site import FIRST, Canary, Watched, fill, watched
from tests.browser.locators import open_row
from tests.conftest import CORPORA_VARIABLE
from trail.core.settings import CONFIG_VARIABLE, Settings
from trail.core.settings import Store as StoreSettings

pytestmark = pytest.mark.browser

# As many as the Timeline draws lanes.
BATCH = 40
TABLE = '[data-testid="stDataFrame"] canvas'


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    with Canary() as started:
        yield started


@pytest.fixture(scope="module")
def strings(canary: Canary) -> list[str]:
    """Return our own strings, and the big list of naughty ones where the corpora are at hand."""
    found = hostile_strings.own(canary.url)
    naughty = Path(os.environ.get(CORPORA_VARIABLE, "")) / "BLNS" / "blns.json"
    if naughty.is_file():
        found += [text for text in json.loads(naughty.read_bytes()) if text.strip()]
    found = list(dict.fromkeys(found))
    assert len(found) >= 600
    return found


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
        # Rules look at what comes while the server runs: this one fills the delivery log.
        running.command("load", str(folder / "late.ndjson"))
        yield running


@pytest.fixture(scope="module")
def seen(site: Site, browser: Browser, canary: Canary) -> Iterator[Watched]:
    with watched(site, browser) as opened:
        yield opened
    assert canary.asked == []


def span(first: int, last: int) -> str:
    """Return the part of an address that chooses the events of strings *first* to before *last*."""
    start, end = (FIRST + dt.timedelta(minutes=number) for number in (first, last))
    return urlencode({"from": f"{start.isoformat()}Z", "to": f"{end.isoformat()}Z"})


def hover(page: Page, selector: str, most: int) -> None:
    """Move the mouse over some of the marks of a chart, spread over all of them."""
    marks = page.locator(selector)
    count = marks.count()
    for number in range(0, count, max(1, count // most)):
        box = marks.nth(number).bounding_box()
        if box:
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.wait_for_timeout(70)


def test_every_string_as_a_lane_of_the_timeline(seen: Watched, strings: list[str]) -> None:
    """The chart's labels and its hover, by actor and by target in turn."""
    for number, first in enumerate(range(0, len(strings), BATCH)):
        by = ("actor", "target")[number % 2]
        address = f"/timeline?{span(first, first + BATCH)}&by={by}&top=more"
        if first:
            seen.turn(address)
        else:
            seen.open(address, ".js-plotly-plot")
        expect(seen.page.locator(".js-plotly-plot")).to_have_count(2)
        hover(seen.page, ".js-plotly-plot .points path", 2)
        seen.look()


def test_every_string_in_the_table_and_the_facets(seen: Watched, strings: list[str]) -> None:
    step = 100
    for first in range(0, len(strings), step):
        address = f"/explore?{span(first, first + step)}"
        if first:
            seen.turn(address)
        else:
            seen.open(address, TABLE)
            for group in ("Action", "Actor", "Target type"):  # they stay open
                seen.page.get_by_role("button", name=f"more in {group}").click()
        expect(
            seen.page.get_by_role("group", name="Actor", exact=True).locator(".row")
        ).to_have_count(min(step, len(strings) - first))
        seen.look()
        seen.page.locator(TABLE).first.hover(force=True)
        for _ in range(6):
            seen.page.mouse.wheel(0, 17 * 32)
            seen.page.wait_for_timeout(25)
        seen.look()


def test_some_events_opened(seen: Watched, strings: list[str]) -> None:
    for number in range(0, len(strings), len(strings) // 16):
        event = urlencode({"event": f"{number} {strings[number]}"})
        address = f"/explore?{event}&{span(number, number + 1)}"
        if number:
            seen.turn(address)
        else:
            seen.open(address, ".root .sentence")
        expect(seen.page.locator(".fields").get_by_text(f"{number} ").first).to_be_visible()
        toggle = seen.page.locator(".raw [aria-expanded=false]")
        if toggle.is_visible():
            toggle.click()
        seen.look()


def test_a_string_in_the_address(seen: Watched, strings: list[str]) -> None:
    for number in range(3, len(strings), len(strings) // 4):
        text = strings[number]
        actor = f"users/{text}"
        for path, given in (
            ("explore", {"from": "30d", "actor": actor, "q": text, "action": f"-{text}"}),
            ("people", {"who": actor, "from": "30d"}),
            ("people", {"what": text}),
            ("alerts", {"section": "rules", "rule": urlencode({"action": text, "actor": actor})}),
        ):
            seen.open(f"/{path}?{urlencode(given)}", "h1")
            seen.look()


def test_an_address_that_cannot_be_read_is_quoted_as_text(seen: Watched, canary: Canary) -> None:
    for text in ("x@canary.example.com", f"![x]({canary.url})", ":material/skull:", "<b>x</b>"):
        seen.open(f"/explore?{urlencode({'from': text})}", '[role="alert"]')
        shown = seen.page.get_by_role("alert").inner_text().replace("\u2060", "")
        assert shown.startswith(f"Time {text!r} is not understood.")
        seen.look()


def test_overview_and_people(seen: Watched, strings: list[str]) -> None:
    for path in ("/?from=30d", "/?from=24h"):
        seen.open(path, ".tile")
        hover(seen.page, ".js-plotly-plot .points path", 8)
        seen.look()
    seen.open("/people?from=30d", TABLE)
    seen.look()


def test_failures_and_one_incident(seen: Watched) -> None:
    seen.open("/failures?from=30d&class=folded", ".tile")
    expect(seen.page.get_by_role("heading", name="Recurrence")).to_be_visible()
    seen.page.wait_for_timeout(1_000)  # the table is made anew, and a row must not move away
    seen.look()
    open_row(seen.page, 5)
    seen.page.wait_for_url("**incident=**")
    seen.settle()
    seen.look()


def test_unusual_and_some_findings(seen: Watched) -> None:
    seen.open("/unusual?from=30d&all=1", TABLE)
    expect(seen.page.get_by_role("heading", name="Why", exact=True)).to_be_visible()
    hover(seen.page, ".js-plotly-plot .points path", 4)
    seen.look()
    open_row(seen.page, 7)
    seen.page.wait_for_url("**finding=**")
    seen.settle()
    seen.look()
    for section in ("rules", "expected", "signed"):
        seen.open(f"/unusual?section={section}&from=30d", ".trail-summary")
        seen.look()


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
        "/admin?section=roles",
        "/connect",
        "/access?from=30d",
        "/account",
    ],
)
def test_what_only_an_owner_sees(seen: Watched, path: str) -> None:
    seen.open(path, "h1")
    folded = "[...document.querySelectorAll('details:not([open]) summary')]"
    seen.page.evaluate(f"{folded}.slice(0, 6).forEach((each) => each.click())")
    seen.settle()
    seen.look()


def test_toasts_that_quote_a_name(seen: Watched) -> None:
    """Another try of a refused batch, and a destination whose name is hostile taken away."""
    seen.open("/admin?section=quarantine", "h1")
    seen.page.get_by_role("button", name="Try the batch again").first.click()
    expect(seen.page.get_by_text("refused again").first).to_be_visible()
    seen.look()
    seen.open("/alerts?section=destinations", "h1")
    seen.page.get_by_role("button", name="Send a test").first.click()
    expect(seen.page.get_by_text("It did not arrive").first).to_be_visible()
    seen.look()
    seen.open("/alerts?section=log", "h1")
    expect(seen.page.locator(TABLE).first).to_be_visible()
    seen.look()
