"""Run the detection benchmark, print its tables, and write bench/DETECTION.md."""

import argparse
import datetime as dt
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.detection import BUDGETS, DEV_SEEDS, HELD_OUT_SEEDS, histories, judging, report, rivals
from bench.detection.plan import workspace
from bench.detection.world import END
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.findings.budget import WARM_UP_DAYS
from trail.ingest.files import load_files
from trail.storage.duckdb import Store

_OUT = Path(__file__).parents[1] / "DETECTION.md"
_WINDOWS = 4


def opened(folder: Path, source: Path) -> Store:
    """Return a new database with *source* loaded by the product's own ingest."""
    path = folder / f"{source.stem}.duckdb"
    settings = Settings(store=StoreSettings(path=path))
    store = Store.open(path, settings)
    for batch in load_files(store, settings, [source]):
        assert not batch.error and not batch.quarantined, batch
    source.unlink()
    return store


def simulated(seed: int, *, further: bool, scale: float = 1.0) -> report.Run:
    """Return the outcomes of one simulated workspace."""
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "made.ndjson"
        world = workspace(seed, source, further=further, scale=scale)
        store = opened(Path(name), source)
        try:
            by_day, now = judging.truth(world.events), END - dt.timedelta(seconds=1)
            return world.planted, judging.judge(store, world.planted, by_day, now, BUDGETS)
        finally:
            store.close()


def real(path: Path) -> list[report.Run]:
    """Return the outcomes of the busiest windows of a real history."""
    runs: list[report.Run] = []
    for seed, (start, rows) in enumerate(histories.windows(path, _WINDOWS)):
        with tempfile.TemporaryDirectory() as name:
            history = histories.History(start, rows, seed)
            history.plant()
            source = Path(name) / "history.ndjson"
            history.write(source)
            store = opened(Path(name), source)
            try:
                now = (start + dt.timedelta(days=90, seconds=-1)).replace(tzinfo=dt.UTC)
                runs.append((
                    history.planted,
                    judging.judge(store, history.planted, history.truth, now, BUDGETS),
                ))  # fmt: skip
            finally:
                store.close()
    return runs


def written(seeds: Sequence[int], scale: float) -> str:
    """Measure and return the page."""
    runs = [simulated(seed, further=False, scale=scale) for seed in seeds]
    more = [simulated(seed, further=True, scale=scale) for seed in seeds]
    named = ", ".join(str(seed) for seed in seeds)
    pyod = "" if rivals.has_pyod() else "PyOD is not installed; its two methods are omitted.\n\n"
    parts = [
        _HEAD.format(seeds=named, count=len(seeds), dev=", ".join(map(str, DEV_SEEDS)), pyod=pyod,
                     warm=WARM_UP_DAYS),
        "## Incidents (20 types)\n\n" + report.methods(runs, "incident"),
        "### Findings by incident type\n\n" + report.types(runs, "incident", BUDGETS),
        "### Reported benign look-alikes\n\n" + report.alike(runs, BUDGETS),
        "## Further scenarios (10 types)\n\nIn separate workspaces with the same ordinary days.\n\n"
        + report.methods(more, "further"),
        report.types(more, "further", BUDGETS),
    ]  # fmt: skip
    paths = histories.files()
    if not paths:
        parts.append("## Real histories\n\nSkipped: `TRAIL_DATA` is not set to a folder with them.")
    for path in paths:
        parts.append(
            f"## Real history {path.stem.removeprefix('git_audit_')}\n\n{_REAL}\n\n"
            + report.methods(real(path), "incident")
        )
    return "\n\n".join(parts) + "\n"


_REAL = (
    f"The {_WINDOWS} busiest periods of 90 days with 18 planted incidents each (nine types that a "
    "file history can express). No period is held out. Such a quiet trail does not use up the "
    "budget: a method that alerts on most days finds more and is wrong more often. Compare recall "
    "with the number shown a day."
)
_HEAD = """# Detection quality

`make bench-detection` writes this page ({count} seeds: {seeds}; detectors are tuned on {dev} only).
Figures are means over the seeds, with minimum and maximum.

A workspace has about 300 users in seven roles, 8 tokens and 160,000 events in 90 days, loaded by
the product's ingest into a DuckDB file. 40 incidents (two of each type) and 18 look-alikes are
planted, one in ten on days 5 to 13. Each day is scored as of its end. All methods use the same
actor-days, catalogue and budget: a threshold from the preceding 28 days. The first {warm} days are
warm-up: nothing is shown, and incidents planted then count as missed.

A finding of the product is right when a fifth of its evidence belongs to the incident. Other
methods name no evidence: any event of the incident on the actor's day is enough. PyOD's two methods
are fitted on the whole quarter, including the future. Both favor them. Alerts about look-alikes
count as false alarms.

Limitations: the author of the simulator knows the detectors, two scenarios mirror detectors
(sequences, inactivity), and roles are more distinct than in practice. The budget bounds precision:
40 incidents in 85 days are fewer than one every two days.

{pyod}"""


def main() -> None:
    """Parse the arguments, measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection")
    parser.add_argument("--dev", action="store_true", help="use the tuning seeds; write nothing")
    parser.add_argument("--scale", type=float, default=1.0, help="fraction of the users")
    args = parser.parse_args()
    page = written(DEV_SEEDS if args.dev else HELD_OUT_SEEDS, args.scale)
    print(page)
    if not args.dev and args.scale == 1:
        _OUT.write_text(page)


if __name__ == "__main__":
    main()
