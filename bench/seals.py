"""How long sealing and verifying take: `python -m bench.seals [EVENTS ...]` writes bench/SEALS.md.

The database is a demo workspace loaded through the ordinary loader; one with another name, so that
the other measurements find theirs without seals.
"""

import datetime as dt
import os
import resource
import sys
import time
from pathlib import Path

from bench import data
from trail.loading import load_files
from trail.seals import checking, mirror, sealing, watching
from trail.settings import Settings
from trail.settings import Store as StoreSettings
from trail.store import Store

PAGE = Path(__file__).parent / "SEALS.md"
LIMITS = {1_000_000: 15.0, 10_000_000: 120.0}


def measure(events: int) -> str:
    """Return a row of the report."""
    path = data.FOLDER / f"seals-{events}.duckdb"
    source = data.ndjson(events)
    for left in data.FOLDER.glob(f"{path.stem}.*"):
        left.unlink()
    settings = Settings(store=StoreSettings(path=path))
    store = Store.open(path, settings)
    watching.watch(store, mirror.files(path, settings).known)
    began = time.perf_counter()
    (batch,) = load_files(store, settings, [source])
    loaded = time.perf_counter() - began
    began = time.perf_counter()
    now = data.END.replace(tzinfo=None) + dt.timedelta(days=3)
    days = sealing.seal(store, settings, now)
    sealed = time.perf_counter() - began
    report = checking.verify(store, settings)
    assert report.ok and batch.kept
    began = time.perf_counter()
    assert sealing.seal(store, settings, now) == 0
    nothing = time.perf_counter() - began
    store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    limit = f"{LIMITS[events]:.0f}" if events in LIMITS else ""
    return (
        f"| {events:,} | {loaded:.1f} | {days} | {sealed:.1f} | {report.took_s:.1f} | {limit} "
        f"| {nothing:.2f} | {peak:,.0f} |"
    )


def main() -> None:
    """Measure the sizes that are named, and write the page."""
    sizes = [int(text) for text in sys.argv[1:]] or [1_000_000]
    lines = [
        "# Seals",
        "",
        f"`python -m bench.seals`, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the "
        "start. Seconds; peak memory of the whole process, the load in it.",
        "",
        "| events | load | days | first seal | verify | at most | nothing to seal | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for size in sizes:
        lines.append(measure(size))
        print(lines[-1], flush=True)
    PAGE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
