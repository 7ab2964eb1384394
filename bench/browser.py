"""Measure in Chromium: a filter click, opening an event, switching pages, and a large download.

Browser and server share the cores of the machine.
"""

import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, sync_playwright

from bench import data
from bench.process import resident_mb, wait_until_idle
from tests import shifted_clock
from tests.browser import conftest
from tests.browser.conftest import FLAGS, PASSWORD, Site
from tests.browser.find_chromium import chromium
from trail.accounts.users import Users

CLICKS = 30
OPENED = 20
ROUNDS = 4
WINDOW = "from=2026-10-26T00:00Z&to=2026-11-01T00:00Z&tz=UTC"

# Resolves with the ms from the click until the numbers, and until the chart, are painted.
CLICK = """
async (place) => {
  const summary = () => document.querySelector('.trail-summary')?.innerText ?? '';
  const frame = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go, 0)));
  const roots = [...document.querySelectorAll('*')].filter((node) => node.shadowRoot);
  const panel = roots.find((node) => node.shadowRoot.querySelector('.group .row'));
  const row = panel.shadowRoot.querySelectorAll('.group')[0].querySelectorAll('.row')[place];
  const plot = roots.find((node) => node.shadowRoot.querySelector('.time-chart')).shadowRoot;
  const was = summary();
  const began = performance.now();
  let chart = 0;
  const painted = new Promise((go) => {
    const seen = new MutationObserver(() => { chart = performance.now(); });
    seen.observe(plot, { subtree: true, childList: true, attributes: true, characterData: true });
    setTimeout(() => { seen.disconnect(); go(); }, 2500);
  });
  row.click();
  while (summary() === was && performance.now() - began < 2400) await frame();
  await frame();
  const text = performance.now() - began;
  await painted;
  return { text, chart: chart - began, query: Number(/· (\\d+) ms/.exec(summary())?.[1] ?? 0) };
}
"""

# Prepares `window.opened`, which resolves with the ms from the next press of the mouse until the
# panel shows another event, painted; and with how far the table moved, in px.
OPEN = """
() => {
  const frame = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go, 0)));
  const panel = () => {
    const host = [...document.querySelectorAll('.st-key-event *')].find((node) => node.shadowRoot);
    const card = host?.shadowRoot.querySelector('.card');
    return card?.getBoundingClientRect().height ? card.innerText : '';
  };
  const hosts = [...document.querySelectorAll('.st-key-events-area *')];
  const grid = hosts.find((node) => node.shadowRoot?.querySelector('.table')).shadowRoot;
  const table = () => grid.querySelector('.scroll').getBoundingClientRect();
  const [was, before] = [panel(), table()];
  window.opened = new Promise((go) => {
    document.addEventListener('pointerdown', async () => {
      const began = performance.now();
      while ((!panel() || panel() === was) && performance.now() - began < 5000) await frame();
      await frame();
      const took = performance.now() - began;
      const after = table();
      go({ took, moved: Math.abs(after.x - before.x) + Math.abs(after.width - before.width) });
    }, { once: true, capture: true });
  });
}
"""

# Resolves with the ms from the click on a page of the menu until it is complete and painted.
SWITCH = """
async ([name, title]) => {
  const frame = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go, 0)));
  const state = () =>
    document.querySelector('[data-testid=stApp]').getAttribute('data-test-script-state');
  const links = [...document.querySelectorAll('[data-testid=stTopNavLink]')];
  const link = links.find((node) => node.innerText.trim() === name);
  const began = performance.now();
  link.click();
  const late = () => performance.now() - began > 10000;
  const shown = () => document.querySelector('[data-testid=stMain] h1')?.innerText === title;
  const busy = () => state() === 'running' || document.querySelector('[data-stale=true]');
  while ((!shown() || busy()) && !late()) await frame();
  await frame();
  return performance.now() - began;
}
"""
_ROW = ".table tbody tr"
# Those of the tests without what saves compiling, and costs speed afterwards.
_FLAGS = [flag for flag in FLAGS if not flag.startswith("--js-flags")]
_TITLES = {"People": "People and tokens"}


@contextmanager
def serving(database: Path, more: dict[str, str] | None = None) -> Iterator[Site]:
    """Serve *database* with one owner account; *more* is added to the environment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Users(folder / "users.yaml").add("maya", "Maya Lind", "", "owner", PASSWORD)
        environment = {"TRAIL_STORE__PATH": str(database), **(more or {})}
        with conftest.serving(folder, **environment) as site:
            yield site


def sign_in(page: Page, url: str) -> None:
    """Sign in at *url* and wait for the page."""
    page.goto(url)
    page.get_by_role("textbox", name="Username").fill("maya")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator(".trail-summary").first.wait_for()
    page.wait_for_timeout(3_000)


@contextmanager
def browsing(
    database: Path, window: str = WINDOW, more: dict[str, str] | None = None
) -> Iterator[tuple[Page, str]]:
    """Serve *database* at the time of its last event; give a page on Explore, and the URL.

    At that time the relative windows of the pages contain events. *more* is added to the
    environment of the server.
    """
    with tempfile.TemporaryDirectory() as name:
        clock = shifted_clock.environment(shifted_clock.build(Path(name)), data.NOW)
        with serving(database, clock | (more or {})) as site, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            sign_in(page, f"{site.url}/explore?{window}")
            page.locator(_ROW).first.wait_for()
            yield page, site.url
            browser.close()


def clicks(page: Page) -> list[dict[str, float]]:
    """Return the timings in ms of repeated clicks on a category."""
    return [page.evaluate(CLICK, number // 3 % 6) for number in range(CLICKS + 3)][3:]


def openings(page: Page, url: str) -> list[dict[str, float]]:
    """Return the timings in ms of opening one event after another from the table."""
    page.goto(f"{url}/explore?{WINDOW}")
    page.locator(_ROW).first.wait_for()
    page.wait_for_timeout(2_000)
    timings = []
    for number in range(OPENED + 2):
        page.locator(_ROW).nth(number % 8).hover(position={"x": 18, "y": 16})
        page.evaluate(OPEN)
        page.mouse.down()
        page.mouse.up()
        timings.append(page.evaluate("() => window.opened"))
        page.wait_for_timeout(300)
    return timings[2:]


def switches(page: Page) -> dict[str, list[float]]:
    """Return the timings in ms of switching to each page of the menu, by page."""
    links = page.locator("[data-testid=stTopNavLink]")
    names = [name.strip() for name in links.all_inner_texts()]
    timings: dict[str, list[float]] = {name: [] for name in names}
    for number in range(ROUNDS + 1):
        for name in names:
            took = page.evaluate(SWITCH, [name, _TITLES.get(name, name)])
            page.wait_for_timeout(300)
            if number:
                timings[name].append(took)
    return timings


def download(database: Path) -> tuple[int, float, float]:
    """Download all events as CSV; return rows, seconds, and memory growth of the server in MB."""
    with serving(database) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        sign_in(page, f"{site.url}/explore?from=2000-01-01&tz=UTC")
        wait_until_idle(site.pid)
        before = resident_mb(site.pid)
        peak = [before]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.05):
                peak[0] = max(peak[0], resident_mb(site.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        began = time.perf_counter()
        with page.expect_download(timeout=600_000) as got:
            page.get_by_role("link", name=re.compile("CSV$")).click()
        path = got.value.path()
        took = time.perf_counter() - began
        done.set()
        watcher.join()
        rows = lines(Path(path)) - 1
        browser.close()
    return rows, took, peak[0] - before


def lines(path: Path) -> int:
    """Return the number of lines of *path*."""
    count = 0
    with path.open("rb") as file:
        while block := file.read(1 << 24):
            count += block.count(b"\n")
    return count


def percentiles(values: list[float]) -> str:
    """Return median and 95th percentile as a cell of the report."""
    ordered = sorted(values)
    return f"{median(ordered):.0f} / {ordered[max(int(len(ordered) * 0.95) - 1, 0)]:.0f}"


def interaction(database: Path, events: int) -> list[str]:
    """Measure clicks, openings and page switches; return lines of the report."""
    with browsing(database) as (page, url):
        timings = clicks(page)
        opened = openings(page, url)
        switched = switches(page)
    cells = " | ".join(
        percentiles([click[name] for click in timings]) for name in ("text", "chart", "query")
    )
    moved = max(opening["moved"] for opening in opened)
    every = [took for values in switched.values() for took in values]
    return [
        "",
        "## A filter click in Chromium, ms, p50 / p95",
        "",
        "From the click on a category until the numbers, and then the chart with all that follows "
        "it, are painted; and how much of it the queries took.",
        "",
        "| events | numbers painted | last change to the chart | queries |",
        "|---|---|---|---|",
        f"| {events:,} | {cells} |",
        "",
        "## Opening an event, and switching pages in Chromium, ms, p50 / p95",
        "",
        "From the press of the mouse on a row until the panel is painted (Streamlit's table waits "
        "150 ms before it reports a click); from the click in the menu until the page is complete.",
        "",
        "| events | action | n | ms |",
        "|---|---|---|---|",
        f"| {events:,} | open an event (the table moved by {moved:.0f} px) | {len(opened)} "
        f"| {percentiles([opening['took'] for opening in opened])} |",
        f"| {events:,} | switch to any page | {len(every)} | {percentiles(every)} |",
        *(
            f"| {events:,} | switch to {name} | {len(values)} | {percentiles(values)} |"
            for name, values in switched.items()
        ),
    ]


def report(sizes: list[int]) -> list[str]:
    """Return lines of the report."""
    rows, took, grown = download(data.database(sizes[-1]))
    return [
        *interaction(data.database(sizes[0]), sizes[0]),
        "",
        "## A download in Chromium",
        "",
        "| rows | seconds | server's memory grew by, MB |",
        "|---|---|---|",
        f"| {rows:,} | {took:.1f} | {grown:.0f} |",
    ]
