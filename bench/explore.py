"""Measure what Explore asks on demand: opened facets, sorted pages and exports, an event's panel.

Each in processor time, as a ratio to the same without it in the same process.
"""

import time
from collections.abc import Callable, Container
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.data import NOW
from trail.core.settings import load as load_settings
from trail.events import counts, events, facet_values, scanned_facets, target_events
from trail.events import export as exports
from trail.events.search_results import search_matches
from trail.incidents import followed, likely_causes
from trail.incidents import queries as incidents
from trail.incidents.materialize import catch_up
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

_SEARCHES = {"a rare word": "q=snowflake", "a common word": "q=source"}
_SORTS = ("target", "action", "actor", "category")
_SHOWN = facet_values.Listing(top=5)
_OPENED = 20
_FIRST_BYTES = 1_000_000_000  # of an export: larger ones go on alike


def explore(target: str, repeats: str) -> dict[str, object]:
    """Return CPU ms by name, each with that of its floor; MB a CPU second of exports."""
    store, number = Store.open(Path(target), load_settings()), int(repeats)
    answer: dict[str, object] = {}
    for name, query in _SEARCHES.items():
        filter_ = Filter.parse(f"{query}&tz=Europe/Oslo")
        folded = _cpu_ms(partial(_facets, store, filter_, scanned_facets.SCANNED), number)
        opened = _cpu_ms(partial(_facets, store, filter_, ()), number)
        answer[f"facets of {name}, all opened"] = [opened, folded]
    newest = _cpu_ms(lambda: events.page(store, Filter.parse("tz=Europe/Oslo"), NOW), number)
    for sort in _SORTS:
        by_column = Filter.parse(f"tz=Europe/Oslo&sort={sort}")
        answer[f"page by {sort}"] = [
            _cpu_ms(partial(events.page, store, by_column, NOW), number),
            newest,
        ]
    answer["event with all of its panel"] = [_panel(store), newest]
    plain = _export_speed(store, "")
    for sort in _SORTS[:2]:
        answer[f"NDJSON by {sort}"] = [_export_speed(store, f"&sort={sort}"), plain]
    store.close()
    return answer


def lines(size: int, answer: dict[str, Any]) -> list[str]:
    """Return the lines of the report."""
    result = []
    for name, measured in answer.items():
        if isinstance(measured, list):
            value, floor = measured
            result.append(
                f"| {size:,} | {name} | **{value / floor:.2f}** | {value:.0f} | {floor:.0f} |"
            )
    return result


def _cpu_ms(job: Callable[[], object], repeats: int) -> float:
    """Return the median CPU time of *job* after a first run, in ms."""
    times = []
    for _ in range(repeats + 1):
        began = time.process_time()
        job()
        times.append((time.process_time() - began) * 1000)
    return median(times[1:])


def _facets(store: Store, filter_: Filter, leave_out: Container[str]) -> None:
    with search_matches(store, filter_, NOW) as (engine, rest):
        counts.facets(engine, rest, NOW, _SHOWN, _SHOWN, leave_out=leave_out)


def _panel(store: Store) -> float:
    """Return the median CPU time of what the panel of an event asks, in ms."""
    catch_up(store)
    listed = [
        row
        for query in ("outcome=failure", "changes=yes")
        for row in events.page(store, Filter.parse(f"{query}&tz=UTC"), NOW, rows=_OPENED).rows
    ]
    return median(_cpu_ms(partial(_open, store, row), 1) for row in listed)


def _open(store: Store, row: dict[str, Any]) -> None:
    event = events.get(store, row["event_id"], row["occurred_at"])
    assert event
    events.related(store, event, 60)
    if event["outcome"] == "failure":
        incident = incidents.incident_of(store, event, NOW)
        likely_causes.changes_before(store, [incident] if incident else [])
    elif followed.is_change(event):
        followed.followed(store, event, NOW)
    target_events.previous_event(store, event, NOW)
    target_events.previous_event(store, event, NOW, event["action"])
    target_events.next_failure(store, event, Filter.parse("tz=UTC"), NOW)


def _export_speed(store: Store, sort: str) -> float:
    """Return the speed of an NDJSON export in MB for each second of CPU time."""
    columns = exports.default_columns("ndjson")
    chosen = exports.Export(Filter.parse(f"tz=UTC{sort}"), "ndjson", columns)
    began, size = time.process_time(), 0
    for data in exports.stream(store, chosen, NOW):
        size += len(data)
        if size > _FIRST_BYTES:
            break
    return size / 1e6 / (time.process_time() - began)
