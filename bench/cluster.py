"""Measure a Spark cluster: `python -m bench.cluster` writes bench/CLUSTER.md.

The events of `bench.data` in 90 archived days, asked of one server and of a cluster whose two
workers have a core each. Needs what `make test-cluster` installs, as `TRAIL_SPARK_PYTHON`.
"""

import argparse
import datetime as dt
import itertools
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

from bench import archive, browser, data
from tests import fixed_clock
from trail.core.sections import Cluster
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.storage import cold_tier, tiers
from trail.storage.clustered import ClusteredStore
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

PAGE = Path(__file__).parent / "CLUSTER.md"
# So that all days are archived.
_NOW, _DAYS = data.END + dt.timedelta(days=20), 14
_REPEATS = 10
VIEWS = {
    name: query
    for name, (query, _) in archive.VIEWS.items()
    if name not in ("an archived day", "seven days of the database")
} | {
    "a day": "from=2026-09-10&to=2026-09-11",
    "one kind, not by one actor": "actor=-{busy}&kind=delete",
    "sorted by target": "sort=target",
}


def settings(folder: Path, url: str = "", least: int | None = None) -> Settings:
    """Return the settings of the database in *folder*, and of the cluster at *url*.

    It is asked for *least* events or more, by default where it is expected to be faster.
    """
    return Settings(
        store=StoreSettings(
            path=folder / "trail.duckdb",
            archive=True,
            archive_path=folder / "days",
            memory="1GB",
            retention_days=_DAYS,
        ),
        cluster=Cluster(url=url, least_events=least),
    )


def build(events: int) -> Path:
    """Return the folder of a database that has archived *events* events; make it if missing."""
    folder = data.FOLDER / f"cluster-{events}"
    if not folder.exists():
        made = folder.with_suffix(".part")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        shutil.copy(data.loaded(events), settings(made).store.path)
        store = Store.open(settings(made).store.path, settings(made))
        fixed_clock.retain(store, settings(made), _NOW)
        store.close()
        made.rename(folder)
    return folder


def times(store: Store) -> dict[str, list[float]]:
    """Return the times of each view in ms, sorted."""
    chosen = archive.names(store)
    filters = {name: Filter.parse(query.format(**chosen)) for name, query in VIEWS.items()}
    return {
        name: archive.milliseconds(
            lambda filter_=filter_: archive.view(store, filter_),  # type: ignore[misc]
            _REPEATS,
        )
        for name, filter_ in filters.items()
    }


def _clustered(folder: Path, url: str, least: int | None) -> dict[str, list[float]]:
    chosen = settings(folder, url, least)
    store = Store.open(chosen.store.path, chosen)
    both = tiers.both(store)
    assert isinstance(both, ClusteredStore)
    both.prepare()
    before = both.cluster_queries
    measured = times(both)
    is_asked = both.cluster_queries > before
    if both.problem() or (least is not None and not is_asked):
        raise SystemExit("The cluster did not answer.")
    store.close()
    return measured


def painted(folder: Path, url: str) -> str:
    """Return the ms from a click on a category until the numbers are painted: median and 95 %."""
    path = settings(folder).store.path
    environment = {
        "TRAIL_STORE__ARCHIVE": "true",
        "TRAIL_STORE__ARCHIVE_PATH": str(settings(folder).store.archive_path),
        "TRAIL_STORE__RETENTION_DAYS": str(_DAYS),
        "TRAIL_STORE__MEMORY": "1GB",
        "TRAIL_CLUSTER__URL": url,
        "TRAIL_CLUSTER__LEAST_EVENTS": "10000000",
    }
    with browser.browsing(path, "from=2026-08-03&to=2026-11-01&tz=UTC", environment) as (page, _):
        page.wait_for_timeout(20_000)  # for the session of the cluster
        timings = browser.clicks(page)
    print(timings)
    return browser.percentiles([click["text"] for click in timings])


def _together(views: dict[str, list[float]]) -> list[float]:
    return sorted(itertools.chain.from_iterable(views.values()))


def measure(events: int) -> str:
    """Return the report."""
    folder = build(events)
    store = Store.open(settings(folder).store.path, settings(folder))
    days = cold_tier.archived_days(store)
    alone = times(tiers.both(store))
    store.close()
    script = Path(__file__).parents[1] / "deploy" / "spark" / "local_cluster.py"
    python = os.environ.get("TRAIL_SPARK_PYTHON", sys.executable)
    command = [python, str(script), str(folder / "spark")]
    cluster = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        url = cluster.stdout.readline().strip() if cluster.stdout else ""
        clustered = _clustered(folder, url, None)
        forced = _clustered(folder, url, 0)
        numbers = painted(folder, url)
    finally:
        cluster.terminate()
        cluster.wait()
    lines = [
        "# Cluster",
        "",
        f"Written by `python -m bench.cluster` on {os.cpu_count()} cores ({platform.machine()}) "
        "that the server and both workers share. "
        f"{sum(day[1] for day in days):,} events of {len(days):,} archived days "
        f"({sum(day[2] for day in days) / 2**30:.1f} GiB), none in the database.",
        "",
        "One view of Explore over all of it, ms:",
        "",
        "| filter | server alone: median | 95 % | with Spark: median | 95 % "
        "| Spark for all that it can answer: median | 95 % |",
        "|---|---|---|---|---|---|---|",
    ]
    ways = (alone, clustered, forced)
    every = {name: [way[name] for way in ways] for name in VIEWS}
    every["all of these"] = [_together(way) for way in ways]
    for name, measured in every.items():
        cells = (f"{median(one):.0f} | {one[int(len(one) * 0.95)]:.0f}" for one in measured)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        "Numbers, facets and chart come from the database and are drawn before the events: a click "
        "on a category over all of it has its numbers painted in Chromium after "
        f"{numbers} ms (median / 95 %), with Spark for what reads 10 million events or more.",
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Build what is missing, measure, print, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000_000)
    text = measure(parser.parse_args().events)
    print(text)
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
