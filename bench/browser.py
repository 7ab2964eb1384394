"""Measure a filter click in Chromium until numbers and chart are painted, and a large download.

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
from tests.browser import conftest
from tests.browser.conftest import FLAGS, PASSWORD, Site
from tests.browser.find_chromium import chromium
from trail.accounts.users import Users

CLICKS = 30

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


def clicks(database: Path) -> list[dict[str, float]]:
    """Return the timings in ms of repeated clicks on a category."""
    with serving(database) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        sign_in(page, f"{site.url}/explore?from=2026-10-26T00:00Z&to=2026-11-01T00:00Z&tz=UTC")
        timings = [page.evaluate(CLICK, number // 3 % 6) for number in range(CLICKS + 3)]
        browser.close()
    return timings[3:]


def download(database: Path) -> tuple[int, float, float]:
    """Download all events as CSV; return rows, seconds, and memory growth of the server in MB."""
    with serving(database) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        sign_in(page, f"{site.url}/explore?from=2000-01-01&tz=UTC")
        before = resident(site.pid)
        peak = [before]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.05):
                peak[0] = max(peak[0], resident(site.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        began = time.perf_counter()
        with page.expect_download(timeout=600_000) as got:
            page.get_by_role("link", name="Download CSV").click()
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


def resident(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+)", status)
    return int(match[1]) / 1024 if match else 0.0


def report(sizes: list[int]) -> list[str]:
    """Return lines of the report."""
    timings = clicks(data.database(sizes[0]))
    parts = {name: sorted(click[name] for click in timings) for name in ("text", "chart", "query")}
    cells = " | ".join(
        f"{median(times):.0f} / {times[int(len(times) * 0.95) - 1]:.0f}" for times in parts.values()
    )
    rows, took, grown = download(data.database(sizes[-1]))
    return [
        "",
        "## A filter click in Chromium, ms, p50 / p95",
        "",
        "From the click on a category until the numbers, and then the chart with all that follows "
        "it, are painted; and how much of it the queries took.",
        "",
        "| events | numbers painted | last change to the chart | queries |",
        "|---|---|---|---|",
        f"| {sizes[0]:,} | {cells} |",
        "",
        "## A download in Chromium",
        "",
        "| rows | seconds | server's memory grew by, MB |",
        "|---|---|---|",
        f"| {rows:,} | {took:.1f} | {grown:.0f} |",
    ]
