"""Run one benchmark job in a process of its own, to measure its CPU time and peak memory.

`python -m bench.child JOB ARGUMENTS` prints one line of JSON.
"""

import datetime as dt
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.csv

from bench.data import NOW, load
from bench.explore import explore
from trail.core.settings import load as load_settings
from trail.events import counts, events, facet_values, scanned_facets, timeline
from trail.events import export as exports
from trail.events import suggestions as suggesting
from trail.events.search_results import search_matches
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Filter


def floor(source: str, target: str) -> dict[str, float]:
    """Import the file with DuckDB's `create table as`, into a database of the same format."""
    connection = duckdb.connect()
    connection.execute(f"attach '{target}' as d (storage_version 'v1.5.0')")
    connection.execute("use d")
    connection.execute("set threads = 2")
    connection.execute(f"create table t as select * from read_json_auto('{source}')")
    connection.execute("checkpoint")
    row = connection.execute("select count(*) from t").fetchone()
    assert row
    return {"rows": row[0]}


def ours(source: str, target: str) -> dict[str, float]:
    """Load the file with the product's ingest."""
    batch = load(Path(source), Path(target))
    return {"rows": batch.read, "kept": batch.kept, "duplicates": batch.duplicates}


def export(target: str, how: str) -> dict[str, float]:
    """Export all events as CSV: with the product, or with a plain CSV writer on the same reader."""
    store = Store.open(Path(target), load_settings())
    chosen = exports.Export(Filter.parse("tz=Europe/Oslo"))
    size = lines = 0
    began = time.perf_counter()
    if how == "ours":
        for data in exports.stream(store, chosen, NOW):
            size += len(data)
            lines += data.count(b"\n")
        lines -= 1
    else:
        columns = ", ".join(chosen.columns)
        with store.reading() as reading:
            for batch in events.stream(store, reading, chosen.filter, NOW, columns):
                sink = pyarrow.BufferOutputStream()
                pyarrow.csv.write_csv(batch, sink)
                size += sink.getvalue().size
                lines += batch.num_rows
    took = time.perf_counter() - began
    store.close()
    return {"rows": lines, "bytes": size, "rows_per_s": lines / took}


QUERIES = (
    ("7 days", "from=2026-10-26&tz=Europe/Oslo"),
    ("90 days", "tz=Europe/Oslo"),
    ("90 days, category", "category=Engage&tz=Europe/Oslo"),
    ("90 days, one actor", "actor={actor}&tz=Europe/Oslo"),
    ("90 days, without an actor, one kind", "actor=-{actor}&kind=modify&tz=Europe/Oslo"),
    ("90 days, people only", "actor_type=user&tz=Europe/Oslo"),
    ("90 days, search in targets", "q=target:snowflake&tz=Europe/Oslo"),
    ("7 days, search anywhere", "q=snowflake&from=2026-10-26&tz=Europe/Oslo"),
    ("90 days, a rare word", "q=snowflake&tz=Europe/Oslo"),
    ("90 days, a common word", "q=source&tz=Europe/Oslo"),
    ("90 days, an absent word", "q=zzznope&tz=Europe/Oslo"),
)

# What is typed for suggestions; the first few letters have the most matches.
TYPED = ("s", "sno", "audience", "zzz")


# The values of the actor facet that the page shows.
SHOWN = facet_values.Listing(top=5)

JOBS: dict[str, Callable[[Engine, Filter], object]] = {
    "facets": lambda engine, filter_: counts.facets(
        engine, filter_, NOW, SHOWN, leave_out=scanned_facets.SCANNED
    ),
    "histogram": lambda engine, filter_: timeline.histogram(engine, filter_, NOW),
    "page": lambda engine, filter_: events.page(engine, filter_, NOW),
}


def pages(target: str, repeats: str) -> dict[str, object]:
    """Measure the queries of one view of Explore: facets, histogram, first page, and counts."""
    store = Store.open(Path(target), load_settings())
    actor = counts.actors(store, Filter.parse("actor_type=user"), NOW, 1)[0].value
    answer: dict[str, object] = {}
    for name, query in QUERIES:
        filter_ = Filter.parse(query.format(actor=actor))
        parts: dict[str, list[float]] = {"all": []}
        for _ in range(int(repeats) + 1):
            began = time.perf_counter()
            with search_matches(store, filter_, NOW) as (engine, rest):
                for part, job in JOBS.items():
                    at = time.perf_counter()
                    job(engine, rest)
                    parts.setdefault(part, []).append(time.perf_counter() - at)
                counts.count(store, filter_.cleared(), NOW)
            parts["all"].append(time.perf_counter() - began)
        figures = {
            part: {
                "p50": sorted(times[1:])[len(times[1:]) // 2] * 1000,
                "p95": sorted(times[1:])[max(int(len(times[1:]) * 0.95) - 1, 0)] * 1000,
            }
            for part, times in parts.items()
        }
        answer[name] = {**figures, "rows": counts.count(store, filter_, NOW)}
    store.close()
    return answer


def suggestions(target: str, repeats: str) -> dict[str, object]:
    """Measure the suggestions of each field, in ms."""
    store = Store.open(Path(target), load_settings())
    answer: dict[str, object] = {}
    for field in suggesting.FIELDS:
        times = []
        for number in range(int(repeats) * len(TYPED)):
            began = time.perf_counter()
            suggesting.suggest(store, field, TYPED[number % len(TYPED)], NOW)
            times.append((time.perf_counter() - began) * 1000)
        times.sort()
        answer[field] = {"p50": times[len(times) // 2], "p95": times[int(len(times) * 0.95) - 1]}
    store.close()
    return answer


def main() -> None:
    """Run the named job and print its result with CPU time, duration and peak memory."""
    job, *arguments = sys.argv[1:]
    began = dt.datetime.now(dt.UTC)
    jobs: dict[str, Callable[..., dict[str, Any]]] = {
        "floor": floor,
        "ours": ours,
        "export": export,
        "pages": pages,
        "suggestions": suggestions,
        "explore": explore,
    }
    answer = jobs[job](*arguments)
    used = resource.getrusage(resource.RUSAGE_SELF)
    answer["cpu_s"] = used.ru_utime + used.ru_stime
    answer["wall_s"] = (dt.datetime.now(dt.UTC) - began).total_seconds()
    answer["peak_mb"] = used.ru_maxrss / 1024
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
