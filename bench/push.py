"""Measure signed webhooks under load, with and without a user on Explore: `python -m bench.push`.

Drives `wrk` over 16 connections, with one unique signed event per request. Then checks that every
acknowledged event is stored exactly once.
"""

import argparse
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import sync_playwright

from bench import browser, data
from tests.browser.conftest import FLAGS
from tests.browser.find_chromium import chromium
from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.storage.duckdb import Store

RESULTS = Path(__file__).parent / "PUSH.md"
SECRET = "a-shared-secret-of-the-bench"
_IN_FLIGHT = 32
_SCRIPT = """
local lines = {}
for line in io.lines("FILE") do lines[#lines + 1] = line end
local at = 0
request = function()
  at = at + 1
  local line = lines[at]
  if not line then wrk.thread:stop() line = lines[1] end
  local cut = string.find(line, "\\t")
  return wrk.format("POST", "/webhooks/segment", {
    ["Content-Type"] = "application/json", ["X-Signature"] = string.sub(line, 1, cut - 1),
  }, string.sub(line, cut + 1))
end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format("p50 %.1f p99 %.1f max %.1f bad %d broken %d\\n",
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"""


def bodies(path: Path, number: int) -> None:
    """Write *number* signed events, one per line: signature, tab, body."""
    now = f"{utc_now().isoformat(timespec='milliseconds')}Z"
    with path.open("w") as file:
        for item in range(number):
            body = json.dumps(
                {
                    "channel": "server",
                    "context": {"library": {"name": "unknown", "version": "unknown"}},
                    "event": "Audit",
                    "messageId": f"api-bench{item:020d}",
                    "originalTimestamp": now,
                    "properties": {
                        "details": {
                            "resource_id": f"res{item % 500:06d}",
                            "resource_type": "warehouse",
                            "subject": f"users/bench{item % 40}",
                            "target": f"Warehouse {item % 500}",
                        },
                        "type": "Warehouse Modified",
                        "workspace_id": "bench",
                    },
                    "timestamp": now,
                    "type": "track",
                    "userId": f"bench{item % 40}",
                },
                separators=(",", ":"),
            )
            signature = hmac.digest(SECRET.encode(), body.encode(), hashlib.sha1).hex()
            file.write(f"{signature}\t{body}\n")


def run(seconds: int, *, filtering: bool) -> dict[str, Any]:
    """Return requests, rate, latencies in ms, and the number of lost acknowledged events."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = folder / "trail.duckdb"
        shutil.copy(data.database(1_000_000), database)
        lines = folder / "bodies.txt"
        bodies(lines, 4_000 * seconds)
        script = folder / "push.lua"
        script.write_text(_SCRIPT.replace("FILE", str(lines)))
        more = {"TRAIL_PUSH__WEBHOOK_SECRETS": json.dumps([SECRET])}
        with browser.serving(database, more) as site:
            url = site.url
            clicked: list[float] = []
            stop = threading.Event()
            visitor = threading.Thread(target=_filter, args=(url, stop, clicked))
            if filtering:
                visitor.start()
                while not clicked:
                    time.sleep(0.5)
            output = subprocess.run(
                ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", str(script), url],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            stop.set()
            if filtering:
                visitor.join()
            waited = time.perf_counter()
            while any((folder / "trail.intake").glob("*.journal")):
                time.sleep(0.05)
            waited = time.perf_counter() - waited
            healthy = httpx2.get(f"{url}/healthz").status_code
        answered = int(re.search(r"(\d+) requests in", output)[1])  # type: ignore[index]
        figures = re.search(
            r"p50 ([\d.]+) p99 ([\d.]+) max ([\d.]+) bad (\d+) broken (\d+)", output
        )
        assert figures, output
        store = Store.open(database, Settings())
        kept = store.table(
            "select count(*) as n, count(distinct id) as ids, max(id) as last, min(id) as first, "
            f"count(distinct id) filter (id < max_id - {_IN_FLIGHT}) as settled from ("
            "select event_id[10:]::bigint as id, max(event_id[10:]::bigint) over () as max_id "
            "from events where event_id >= 'api-bench' and event_id < 'api-bencj')"
        ).to_pylist()[0]
        store.close()
    return {
        "answered": answered,
        "per_s": answered / seconds,
        "p50": float(figures[1]),
        "p99": float(figures[2]),
        "max": float(figures[3]),
        "not_2xx": int(figures[4]),
        "broken": int(figures[5]),
        "kept": kept["n"],
        "twice": kept["n"] - kept["ids"],
        # Sent in order: only of the last few, in flight at the end, may one be missing. `wrk` tries
        # its script once before it sends, so that the first one may be the second.
        "lost": kept["last"] - _IN_FLIGHT - kept["first"] - kept["settled"]
        if kept["first"] < 2
        else kept["first"],
        "drained_s": waited,
        "healthz": healthy,
        "clicks": len(clicked),
        "click_ms": sorted(clicked)[len(clicked) // 2] if clicked else 0.0,
    }


def _filter(url: str, stop: threading.Event, clicked: list[float]) -> None:
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = chrome.new_page(viewport={"width": 1440, "height": 1000})
        browser.sign_in(page, f"{url}/explore?from=2026-10-26T00:00Z&to=2026-11-01T00:00Z&tz=UTC")
        number = 0
        while not stop.is_set():
            click = page.evaluate(browser.CLICK, number // 2 % 6)
            clicked.append(click["text"])
            number += 1
        chrome.close()


def main() -> None:
    """Measure with and without a user who filters; print and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    lines = [
        "# Webhooks under load",
        "",
        f"Written by `python -m bench.push` on {os.cpu_count()} cores: `wrk -t1 -c16 "
        f"-d{args.seconds}s`, each request one signed event of its own, 1,000,000 events in the "
        "database. Sender, server and browser share the cores.",
        "",
        "| somebody filters Explore | answered | a second | p50 ms | p99 ms | max ms | not 2xx "
        "| lost | twice | click ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for filtering in (False, True):
        result = run(args.seconds, filtering=filtering)
        print(json.dumps(result))
        lines.append(
            f"| {'yes' if filtering else 'no'} | {result['answered']:,} | {result['per_s']:,.0f} "
            f"| {result['p50']:.0f} | {result['p99']:.0f} | {result['max']:.0f} "
            f"| {result['not_2xx'] + result['broken']} | {result['lost']} | {result['twice']} "
            f"| {result['click_ms']:.0f} |"
        )
    RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
