"""Measure three years in the archive: `python -m bench.archive` writes bench/ARCHIVE.md.

Twelve copies of a quarter of the 10 million events of `bench.data`, each 91 days before the other,
are archived by the product; the 90 days themselves stay in the database.
"""

import datetime as dt
import os
import platform
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench import data
from tests import fixed_clock
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.events import counts, events, facet_values, scanned_facets, timeline
from trail.events.search_results import search_matches
from trail.integrity import mirror
from trail.retention import expiry, policy
from trail.storage import cold_tier, cube, tiers
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

PAGE = Path(__file__).parent / "ARCHIVE.md"
NOW = data.NOW + dt.timedelta(hours=12)
COPIES, SPREAD = 12, 4
_FOLDER = data.FOLDER / "archive"
_LISTING = facet_values.Listing(top=5)
_REPEATS = 20
_EVENTS = """
event_id || '-{copy}' as event_id, occurred_at - interval {days} day as occurred_at,
ingested_at - interval {days} day as ingested_at
"""
# The limit of the 95th percentile in ms, where one is promised.
VIEWS = {
    "everything": ("tz=UTC", 300),
    "one category": ("category=Warehouses", 400),
    "one actor with few events": ("actor={rare}", 800),
    "the busiest actor": ("actor={busy}", 800),
    "failures, not of users": ("outcome=failure&actor_type=-user", None),
    "an archived day": ("from=2025-05-05&to=2025-05-06", None),
    "seven days of the database": ("from=2026-10-20&to=2026-10-27", None),
    "one target": ("target={target}", None),
    "a word": ("q=snowflake", None),
}


def settings() -> Settings:
    """Return the settings of the measured database; 1 GB of memory."""
    path = _FOLDER / "trail.duckdb"
    return Settings(
        store=StoreSettings(
            path=path, archive=True, archive_path=_FOLDER / "days", memory="1GB", retention_days=91
        )
    )


def build() -> None:
    """Archive the copies that are missing."""
    if not settings().store.path.exists():
        _FOLDER.mkdir(parents=True, exist_ok=True)
        shutil.copy(data.loaded(data.LARGEST), settings().store.path)
    store = Store.open(settings().store.path, settings())
    first = data.END.replace(tzinfo=None) - dt.timedelta(days=90)
    done = round(len(cold_tier.archived_days(store)) / 90)
    for copy in range(done, COPIES):
        days = 91 * copy + 90
        columns = _EVENTS.format(copy=copy, days=days)

        def add(cursor: Cursor, copy: int = copy, columns: str = columns) -> None:
            cursor.execute(
                f"create or replace temp table copied as select * replace ({columns}) from events "
                f"where occurred_at >= timestamp '{first}' "
                f"and hash(event_id) % {SPREAD} = {copy % SPREAD} order by occurred_at"
            )
            cursor.execute("insert into events from copied")
            cube.add(cursor, "copied join actors using (actor_key)")
            cursor.execute("drop table copied")

        store.write(add)
        fixed_clock.confirm(store, NOW)
        policy.retain(store, settings(), NOW)
    store.close()


def names(store: Store) -> dict[str, str]:
    """Return what the braces of `VIEWS` stand for."""
    actors = store.table(
        "select actor_id, sum(n) as n from actor_cube join actors using (actor_key) "
        "group by 1 order by n"
    )["actor_id"].to_pylist()
    target = store.table("select target_id from targets where target_id <> '' offset 5000 limit 1")
    return {"rare": actors[3], "busy": actors[-1], "target": target["target_id"][0].as_py()}


def view(store: Store, filter_: Filter) -> None:
    """Ask what one view of Explore asks, without results shared between viewers."""
    with search_matches(store, filter_, NOW) as (engine, rest):
        timeline.histogram(engine, rest, NOW)
        counts.count(store, filter_.cleared(), NOW)
        counts.facets(engine, rest, NOW, _LISTING, _LISTING, leave_out=scanned_facets.SCANNED)
        events.page(engine, rest, NOW)
        counts.unverified(store, filter_.cleared(), NOW)


def milliseconds(job: Callable[[], object], repeats: int = _REPEATS) -> list[float]:
    """Return the wall-clock times of *job* in ms, sorted, after a first run."""
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        job()
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times[1:])


def measure() -> str:
    """Return the report."""
    store = Store.open(settings().store.path, settings())
    both = tiers.both(store)
    days = cold_tier.archived_days(store)
    chosen = names(both)
    lines = [
        "# Archive",
        "",
        f"Written by `python -m bench.archive` on {os.cpu_count()} cores ({platform.machine()}). "
        f"{sum(day[1] for day in days):,} events of {len(days):,} archived days "
        f"({sum(day[2] for day in days) / 2**30:.1f} GiB), "
        f"{store.table('select count(*) as n from events')['n'][0].as_py():,} in the database.",
        "",
        "One view of Explore over all of it, ms:",
        "",
        "| filter | median | 95 % | limit | newest page alone |",
        "|---|---|---|---|---|",
    ]
    for name, (query, limit) in VIEWS.items():
        filter_ = Filter.parse(query.format(**chosen))
        times = milliseconds(lambda filter_=filter_: view(both, filter_))  # type: ignore[misc]
        page = milliseconds(lambda filter_=filter_: events.page(both, filter_, NOW), 5)  # type: ignore[misc]
        lines.append(
            f"| {name} | {median(times):.0f} | {times[-2]:.0f} | {limit or ''} "
            f"| {median(page):.0f} |"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines += ["", f"Peak memory {peak:,.0f} MB with `store.memory` 1GB.", "", _expiry(store), ""]
    store.close()
    return "\n".join(lines)


def _expiry(store: Store) -> str:
    """Remove the oldest archived day; return how long it took."""
    oldest = cold_tier.archived_days(store)[-1]
    kept = (NOW.date() - oldest[0]).days - 1
    shorter = settings().store.model_copy(update={"archive_days": kept})
    began = time.perf_counter()
    done = expiry.expire(
        store,
        settings().model_copy(update={"store": shorter}),
        NOW.replace(tzinfo=None),
        "bench",
        mirror.files(store.path, settings()),
    )
    seconds = time.perf_counter() - began
    return f"Removing an archived day of {done.events:,} events took {seconds:.2f} s (limit 1 s)."


def main() -> None:
    """Build what is missing, measure, print, and write the report."""
    build()
    text = measure()
    print(text)
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
