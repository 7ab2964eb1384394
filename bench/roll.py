"""Simulate 400 days of loading and retention, and check that the database stops growing.

`python -m bench.roll` writes bench/ROLLING.md and docs/img/rolling.svg. Each day of a demo
workspace is loaded by the product's ingest, followed by retention.
"""

import argparse
import datetime as dt
import functools
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import plot
from tests import fixed_clock
from trail.core.settings import Settings
from trail.demo.workspace import Workspace
from trail.events import counts, events
from trail.ingest.files import load_files
from trail.retention import policy
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

RESULTS = Path(__file__).parent / "ROLLING.md"
PLOT = Path(__file__).parents[1] / "docs" / "img" / "rolling.svg"
START = dt.date(2026, 1, 1)
STEP = 20
_REPEATS = 15
_KEPT = 90
_FILTER = Filter.parse("from=7d")


def roll(folder: Path, days: int, per_day: int, archive: bool) -> Iterator[dict[str, float]]:
    """Simulate *days* days of about *per_day* events; yield figures every `STEP` days."""
    settings = Settings.model_validate(
        {"store": {"path": folder / "trail.duckdb", "retention_days": _KEPT, "archive": archive,
                   "archive_path": folder / "archive"}}
    )  # fmt: skip
    workspace = Workspace(days * per_day, days, 1, START)
    store = Store.open(settings.store.path, settings)
    purges, loads = [], []
    for day in range(days):
        path = folder / "day.ndjson"
        path.write_text("".join(workspace.lines(day)), encoding="utf-8")
        end = dt.datetime.combine(START, dt.time(), dt.UTC) + dt.timedelta(days=day + 1)
        began = time.perf_counter()
        (batch,) = load_files(store, settings, [path])
        loads.append(time.perf_counter() - began)
        assert not batch.error and not batch.quarantined
        # Set the time of the load to the simulated day.
        store.write(functools.partial(_date_batch, end))
        fixed_clock.confirm(store, end)
        began = time.perf_counter()
        policy.retain(store, settings, end)
        purges.append(time.perf_counter() - began)
        if (day + 1) % STEP == 0:
            yield {
                "day": day + 1,
                **_figures(store, end),
                "load_ms": _median(loads) * 1000,
                "retain_ms": _median(purges) * 1000,
                "retain_max_ms": max(purges) * 1000,
            }
            purges.clear()
            loads.clear()
    store.close()


def _date_batch(end: dt.datetime, cursor: Cursor) -> None:
    cursor.execute(
        "update batches set ended_at = $end where batch_id = (select max(batch_id) from batches)",
        {"end": end.replace(tzinfo=None)},
    )


def _figures(store: Store, now: dt.datetime) -> dict[str, float]:
    sizes = {
        name: store.table(f"select count(*) as n from {name}")["n"][0].as_py()
        for name in ("events", "targets", "actors", "cube", "batches")
    }
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        counts.facets(store, _FILTER, now)
        events.page(store, _FILTER, now)
        times.append(time.perf_counter() - began)
    wal = store.path.with_name(store.path.name + ".wal")
    size = store.path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
    blocks = store.table(
        "select used_blocks, block_size from pragma_database_size() where database_name = 'trail'"
    ).to_pylist()[0]
    used = blocks["used_blocks"] * blocks["block_size"]
    return {**sizes, "mb": size / 1e6, "used_mb": used / 1e6, "query_ms": _median(times) * 1000}


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _row(sample: dict[str, float]) -> str:
    return (
        f"| {sample['day']:.0f} | {sample['events']:,.0f} | {sample['mb']:.1f} "
        f"| {sample['used_mb']:.1f} "
        f"| {sample['query_ms']:.1f} | {sample['load_ms']:.0f} | {sample['retain_ms']:.0f} "
        f"| {sample['retain_max_ms']:.0f} | {sample['targets']:,.0f} | {sample['actors']:,.0f} "
        f"| {sample['cube']:,.0f} | {sample['batches']:,.0f} |"
    )


def _growth(samples: list[dict[str, float]]) -> list[str]:
    """Return the ratios of late to early figures after the window is full, as report lines."""
    full = [sample for sample in samples if sample["day"] > _KEPT]
    if len(full) < 8:
        return ["", "Too few days to measure growth."]
    early, late = full[:4], full[-4:]
    moved = [
        f"{words} {_mean(late, name) / _mean(early, name):.2f}"
        for name, words in (
            ("events", "events"),
            ("mb", "file"),
            ("used_mb", "in use"),
            ("query_ms", "query"),
            ("retain_ms", "retain"),
            ("targets", "targets"),
        )
    ]
    return ["", f"The last four rows over the first four past day {_KEPT}: {', '.join(moved)}."]


def _mean(rows: list[dict[str, float]], name: str) -> float:
    return sum(row[name] for row in rows) / len(rows)


def main() -> None:
    """Measure, print, and write the report and the chart."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--events", type=int, default=10_000, help="a day")
    parser.add_argument("--archive", action="store_true", help="archive the removed events")
    parser.add_argument("--print", action="store_true", help="write no files")
    args = parser.parse_args()
    lines = [
        "# Rolling",
        "",
        f"Written by `python -m bench.roll` on {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}: {args.days} days of about {args.events:,} events, "
        f"{_KEPT} days kept{', archived' if args.archive else ''}. Each day is loaded, then "
        "retention runs, its checkpoint included. Query: the facets and the newest 200 events of "
        f"the last 7 days, median of {_REPEATS}. Times of load and retention: median, and "
        f"largest, of {STEP} days. Shared virtual machine: trust the shape, not the milliseconds.",
        "",
        "| day | events | file MB | in use MB | query ms | load ms | retain ms | retain max ms "
        "| targets | actors | cube rows | batches |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    samples = []
    with tempfile.TemporaryDirectory(prefix="trail-roll-") as folder:
        for sample in roll(Path(folder), args.days, args.events, args.archive):
            samples.append(sample)
            lines.append(_row(sample))
            print(lines[-1], flush=True)
    lines += _growth(samples)
    print("\n".join(lines[-2:]))
    if not args.print:
        RESULTS.write_text("\n".join(lines) + "\n")
        PLOT.write_text(plot.small_multiples(samples, kept=_KEPT))


if __name__ == "__main__":
    main()
