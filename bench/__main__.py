"""`make bench`: run all benchmarks and write bench/RESULTS.md.

`make bench ARGS="--sizes 1000000 --no-browser"` runs fewer.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import data

RESULTS = Path(__file__).parent / "RESULTS.md"


def child(*arguments: str) -> dict[str, Any]:
    """Run one job of `bench.child` in a process of its own and return its result."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.child", *arguments], capture_output=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return dict(json.loads(done.stdout))


def load(events: int) -> list[str]:
    """Measure loading against DuckDB's own import; return lines of the report."""
    source, database = data.ndjson(events), data.database(events)
    rows = []
    ratios = []
    for _ in range(3 if events <= 1_000_000 else 1):
        scratch = database.with_suffix(".floor")
        remove(scratch)
        floor = child("floor", str(source), str(scratch))
        remove(scratch)
        remove(database)
        ours = child("ours", str(source), str(database))
        ratios.append(ours["cpu_s"] / floor["cpu_s"])
        rows.append((floor, ours))
    best = sorted(range(len(ratios)), key=ratios.__getitem__)[len(ratios) // 2]
    floor, ours = rows[best]
    again = child("ours", str(source), str(database))
    size = database.stat().st_size / 1e6
    return [
        f"| {events:,} | {floor['cpu_s']:.1f} | {ours['cpu_s']:.1f} | **{ratios[best]:.2f}** "
        f"({min(ratios):.2f}-{max(ratios):.2f}) | {ours['wall_s']:.1f} | {ours['peak_mb']:.0f} "
        f"| {floor['peak_mb']:.0f} | {size:.0f} | {again['cpu_s']:.1f} s, "
        f"{again['duplicates']:,} duplicates |"
    ]


def pages(events: int, repeats: int) -> list[str]:
    """Measure the queries of one view of Explore; return lines of the report."""
    timings = child("pages", str(data.loaded(events)), str(repeats))
    lines = []
    for name, parts in timings.items():
        if not isinstance(parts, dict):
            continue
        cells = " | ".join(
            f"{parts[part]['p50']:.0f} / {parts[part]['p95']:.0f}"
            for part in ("facets", "histogram", "page")
        )
        total = parts["all"]
        lines.append(
            f"| {events:,} | {name} | {parts['rows']:,} | {cells} "
            f"| **{total['p50']:.0f} / {total['p95']:.0f}** |"
        )
    return lines


def export(events: int) -> list[str]:
    """Measure the CSV export against a plain CSV writer; return lines of the report."""
    bare = child("export", str(data.database(events)), "bare")
    ours = child("export", str(data.database(events)), "ours")
    return [
        f"| {events:,} | {bare['rows_per_s'] / 1000:,.0f} k | {ours['rows_per_s'] / 1000:,.0f} k "
        f"| **{ours['rows_per_s'] / bare['rows_per_s']:.2f}** | {ours['bytes'] / 1e6:,.0f} "
        f"| {ours['peak_mb']:.0f} | {bare['peak_mb']:.0f} |"
    ]


def remove(path: Path) -> None:
    """Remove a database and its write-ahead log, if they exist."""
    for item in (path, path.with_name(path.name + ".wal")):
        item.unlink(missing_ok=True)


def main() -> None:
    """Measure, print, and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="1000000,10000000")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--no-peers", action="store_true", help="without Datasette and pandas")
    args = parser.parse_args()
    sizes = [int(size) for size in args.sizes.split(",")]
    lines = [
        "# Results",
        "",
        f"Written by `make bench` on {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}. Shared virtual machine: trust ratios, not seconds.",
        "",
        "## Load, against DuckDB's own `create table as` of the same file",
        "",
        "Both write one database file; ours also reads strictly, de-duplicates, gives keys, "
        "keeps the raw record and counts the cube.",
        "",
        "| events | floor CPU s | ours CPU s | ratio | ours wall s | peak MB | floor peak MB "
        "| file MB | the same file again |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    ordinary = [size for size in sizes if size <= data.LARGEST]
    for size in ordinary:
        lines += load(size)
    lines += [
        "",
        "## What one view of Explore asks, ms, p50 / p95",
        "",
        "| events | filter | rows | 7 facets, count | histogram | newest 200 | all of it |",
        "|---|---|---|---|---|---|---|",
    ]
    for size in sizes:
        lines += pages(size, args.repeats)
    lines += [
        "",
        "## CSV, against the same reader writing the bare text",
        "",
        "| events | bare rows/s | ours rows/s | ratio | MB | peak MB | bare peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for size in ordinary:
        lines += export(size)
    if ordinary and not args.no_browser:
        from bench import browser

        lines += browser.report(ordinary)
    if ordinary and not args.no_peers:
        from bench.peers.__main__ import report as peers

        lines += peers(ordinary[0], args.repeats)
    text = "\n".join(lines) + "\n"
    print(text)
    RESULTS.write_text(text)


if __name__ == "__main__":
    main()
