"""`make bench`: run all benchmarks and write bench/RESULTS.md.

`make bench ARGS="--sizes 1000000 --no-browser"` runs fewer. With `--against FOLDER`, a checkout of
an earlier version, loading, queries and exports are measured there as well, in the same run.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import data, explore

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "RESULTS.md"
_VIEWERS, _VIEWERS_S = (50, 200), 60.0


@dataclass(frozen=True)
class Version:
    """A checkout that is measured, and where its databases are."""

    root: Path
    suffix: str

    def job(self, *arguments: str) -> dict[str, Any]:
        """Run one job of `bench.child` in a process of its own and return its result."""
        return child(*arguments, root=self.root)

    def database(self, events: int) -> Path:
        """Return the path of its database with *events* events."""
        path = data.database(events)
        return path.with_name(f"{path.stem}{self.suffix}.duckdb")


OURS = Version(ROOT, "")


def child(*arguments: str, root: Path = ROOT) -> dict[str, Any]:
    """Run one job of `bench.child` of the checkout *root* and return its result."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.child", *arguments],
        cwd=root,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return dict(json.loads(done.stdout))


def load(events: int, before: Version | None) -> list[str]:
    """Measure loading against DuckDB's own import; return lines of the report."""
    source, rows = data.ndjson(events), []
    scratch = data.database(events).with_suffix(".floor")
    for _ in range(3 if events <= 1_000_000 else 1):
        remove(scratch)
        floor = child("floor", str(source), str(scratch))
        remove(scratch)
        row = {"floor": floor}
        for version in filter(None, (before, OURS)):
            remove(version.database(events))
            row[version.suffix] = version.job("ours", str(source), str(version.database(events)))
        rows.append(row)
    ratios = [row[""]["cpu_s"] / row["floor"]["cpu_s"] for row in rows]
    middle = rows[sorted(range(len(ratios)), key=ratios.__getitem__)[len(ratios) // 2]]
    floor, ours = middle["floor"], middle[""]
    again = child("ours", str(source), str(data.database(events)))
    earlier = f" {middle[before.suffix]['cpu_s'] / floor['cpu_s']:.2f} |" if before else ""
    return [
        f"| {events:,} | **{ours['cpu_s'] / floor['cpu_s']:.2f}** "
        f"({min(ratios):.2f}-{max(ratios):.2f}) |{earlier} {floor['cpu_s']:.1f} "
        f"| {ours['cpu_s']:.1f} | {ours['wall_s']:.1f} | {ours['peak_mb']:.0f} "
        f"| {floor['peak_mb']:.0f} | {data.database(events).stat().st_size / 1e6:.0f} "
        f"| {again['cpu_s']:.1f} s, {again['duplicates']:,} duplicates |"
    ]


def pages(events: int, repeats: int, before: Version | None) -> list[str]:
    """Measure the queries of one view of Explore; return lines of the report."""
    timings = child("pages", str(data.loaded(events)), str(repeats))
    earlier: dict[str, Any] = {}
    if before and before.database(events).exists():
        earlier = before.job("pages", str(before.database(events)), str(repeats))
    lines = []
    for name, parts in timings.items():
        if not isinstance(parts, dict):
            continue
        cells = " | ".join(
            _pair(parts[part]) for part in ("facets", "histogram", "page") if part in parts
        )
        old = f" {_pair(earlier[name]['all']) if name in earlier else '–'} |" if before else ""
        total = f"**{_pair(parts['all'])}**"
        lines.append(f"| {events:,} | {name} | {parts['rows']:,} | {total} |{old} {cells} |")
    return lines


def _pair(part: dict[str, float]) -> str:
    return f"{part['p50']:.0f} / {part['p95']:.0f}"


def export(events: int, before: Version | None) -> list[str]:
    """Measure the CSV export against a plain CSV writer; return lines of the report."""
    bare = child("export", str(data.database(events)), "bare")
    ours = child("export", str(data.database(events)), "ours")
    earlier = ""
    if before:
        old = before.job("export", str(before.database(events)), "ours")
        earlier = f" {old['rows_per_s'] / bare['rows_per_s']:.2f} |"
    return [
        f"| {events:,} | **{ours['rows_per_s'] / bare['rows_per_s']:.2f}** |{earlier} "
        f"{bare['rows_per_s'] / 1000:,.0f} k | {ours['rows_per_s'] / 1000:,.0f} k "
        f"| {ours['bytes'] / 1e6:,.0f} | {ours['peak_mb']:.0f} | {bare['peak_mb']:.0f} |"
    ]


def viewers(events: int) -> list[str]:
    """Measure many viewers at once; return lines of the report."""
    from bench.viewers import measure

    lines = [
        "",
        "## Many viewers, one action each ten seconds",
        "",
        f"{events:,} events. Over websockets as browsers use them, from the action until the page "
        "has been sent; server and viewers share the machine.",
        "",
        "| viewers | ms, p50 / p95 | `/healthz` p95 | errors | runs/s | CPU ms a run "
        "| memory MB: start, peak, after they left |",
        "|---|---|---|---|---|---|---|",
    ]
    for number in _VIEWERS:
        got = measure(data.loaded(events), number, _VIEWERS_S)
        every, health = got["all_pages"], got["kinds"]["/healthz"]
        lines.append(
            f"| {number} | **{every['p50_ms']} / {every['p95_ms']}** | {health['p95_ms']} "
            f"| {sum(got['errors'].values())} | {got['runs_per_s']} | {got['cpu_ms_per_run']} "
            f"| {got['start_mb']}, {got['peak_mb']}, {got['left_mb']} |"
        )
    return lines


def remove(path: Path) -> None:
    """Remove a database and its write-ahead log, if they exist."""
    for item in (path, path.with_name(path.name + ".wal")):
        item.unlink(missing_ok=True)


def _table(title: str, note: str, columns: list[str]) -> list[str]:
    heading = f"| {' | '.join(columns)} |"
    return [
        "",
        f"## {title}",
        "",
        *([note, ""] if note else []),
        heading,
        "|---" * len(columns) + "|",
    ]


def main() -> None:
    """Measure, print, and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="1000000,10000000")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--against", type=Path, help="checkout of an earlier version")
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--no-peers", action="store_true", help="without Datasette and pandas")
    parser.add_argument("--no-viewers", action="store_true")
    args = parser.parse_args()
    sizes = [int(size) for size in args.sizes.split(",")]
    ordinary = [size for size in sizes if size <= data.LARGEST]
    before = Version(args.against.resolve(), "-before") if args.against else None
    old = ["before"] if before else []
    lines = [
        "# Results",
        "",
        f"Written by `make bench` on {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}. Shared virtual machine: trust ratios, not seconds.",
        *_table(
            "Load, against DuckDB's own `create table as` of the same file",
            "Both write one database file; ours also reads strictly, de-duplicates, gives keys, "
            "keeps the raw record, the text for searches and hourly counts, and a digest for the "
            "ledger.",
            [
                *("events", "CPU ratio", *old, "floor CPU s", "ours CPU s", "ours wall s"),
                *("peak MB", "floor peak MB", "file MB", "the same file again"),
            ],
        ),
    ]
    for size in ordinary:
        lines += load(size, before)
    lines += _table(
        "What one view of Explore asks, ms, p50 / p95",
        "Without results shared between viewers.",
        ["events", "filter", "rows", "all of it", *old, "facets, count", "histogram", "newest 200"],
    )
    for size in sizes:
        lines += pages(size, args.repeats, before)
    lines += _table(
        "CSV, against the same reader writing the bare text",
        "",
        ["events", "ratio", *old, "bare rows/s", "ours rows/s", "MB", "peak MB", "bare peak MB"],
    )
    for size in ordinary:
        lines += export(size, before)
    lines += _table(
        "What Explore asks on demand, in processor time",
        "Against the same without it: facets with target, source and findings folded, the newest "
        "page, the export in the order of time (its first GB). ms; of exports MB a second.",
        ["events", "what", "ratio", "ours", "floor"],
    )
    for size in ordinary:
        lines += explore.lines(size, child("explore", str(data.loaded(size)), str(args.repeats)))
    if ordinary and not args.no_viewers:
        lines += viewers(ordinary[0])
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
