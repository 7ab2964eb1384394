"""Measure sealing and verification: `python -m bench.seals [EVENTS ...]` writes bench/SEALS.md.

The database is a demo workspace loaded by the product's ingest, separate from that of the other
benchmarks, which has no seals. An existing database is only verified.
"""

import datetime as dt
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import data
from tests import fixed_clock
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.ingest.files import load_files
from trail.integrity import loss_monitor, mirror, sealing, verification
from trail.storage.duckdb import Store

PAGE = Path(__file__).parent / "SEALS.md"
LIMITS = {1_000_000: 15.0, 10_000_000: 120.0}
NOW = data.END.replace(tzinfo=None) + dt.timedelta(days=3)


def timed(work: Callable[[], object]) -> str:
    """Return the wall-clock and CPU seconds of *work*."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return f"{time.perf_counter() - wall:.1f} | {time.process_time() - cpu:.1f}"


def measure(events: int) -> str:
    """Return a row of the report."""
    path = data.FOLDER / f"seals-{events}.duckdb"
    source = data.ndjson(events)
    settings = Settings(store=StoreSettings(path=path))
    fresh = not path.exists()
    store = Store.open(path, settings)
    loss_monitor.watch(store, mirror.files(path, settings).known)
    load = sealed = " | "
    if fresh:
        load = timed(lambda: list(load_files(store, settings, [source])))
        fixed_clock.confirm(store, NOW)
        sealed = timed(lambda: sealing.seal(store, settings, NOW))
    reports: list[verification.Report] = []
    verified = timed(lambda: reports.append(verification.verify(store, settings)))
    assert reports[0].ok
    assert len(reports[0].days) > 90
    fixed_clock.confirm(store, NOW)
    nothing = timed(lambda: sealing.seal(store, settings, NOW))
    store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    limit = f"{LIMITS[events]:.0f}" if events in LIMITS else ""
    return f"| {events:,} | {load} | {sealed} | {verified} | {limit} | {nothing} | {peak:,.0f} |"


def main() -> None:
    """Measure the sizes given as arguments and write the page."""
    sizes = [int(text) for text in sys.argv[1:]] or [1_000_000]
    lines = [
        "# Seals",
        "",
        f"`python -m bench.seals`: {os.cpu_count()} cores, shared, with a load of "
        f"{os.getloadavg()[0]:.1f} at the start. Seconds on the clock and of CPU, all threads; "
        "peak memory of the whole process.",
        "",
        "| events | load | CPU | first seal | CPU | verify | CPU | at most | nothing to seal | CPU "
        "| peak MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for size in sizes:
        lines.append(measure(size))
        print(lines[-1], flush=True)
    PAGE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
