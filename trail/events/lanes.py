"""Activity over time by category, actor or target."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from trail.core.catalogue import DESTRUCTIVE_KINDS, FAILED_KINDS
from trail.events import actor_names, timeline
from trail.events.count_source import count_source
from trail.events.timeline import Bar
from trail.storage.engine import Engine
from trail.storage.filters import Filter

By = Literal["category", "actor", "target"]

_HOUR = dt.timedelta(hours=1)
# By kind of lane: the table, its key, and SQL for the value and label.
_LANES: dict[str, tuple[str, str, str, str]] = {
    "category": ("actions", "action_key", "l.category", "l.category"),
    "actor": ("actors", "actor_key", "l.actor_id", actor_names.DISPLAY),
    "target": (
        "targets",
        "target_key",
        "coalesce(nullif(l.target_id, ''), l.target_name)",
        "coalesce(nullif(l.target_name, ''), l.target_id)",
    ),
}


@dataclass(frozen=True, slots=True)
class Point:
    """Events of one lane in one bar; `count` includes failures and destructive changes."""

    bar: Bar
    count: int
    failures: int
    destructive: int


@dataclass(frozen=True, slots=True)
class Lane:
    """One category, actor or target: filter value, label, number of events, and points."""

    value: str
    label: str
    count: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes with the most events, most first, and the total number of lanes."""

    lanes: tuple[Lane, ...]
    total: int


def lanes(
    engine: Engine, filter_: Filter, now: dt.datetime, by: By, grain: dt.timedelta, top: int
) -> Lanes:
    """Return the *top* lanes of the events that match *filter_*, in bars of *grain*."""
    window = timeline.bounded(engine, filter_.window(now), now)
    table, key, value, label = _LANES[by]
    counted = by != "target" and grain >= _HOUR and timeline.whole_hours(filter_, window)
    source = count_source(engine, filter_, now, by_actor=by == "actor", whole_hours=counted)
    bucket = timeline.bucket_sql(source.time, grain, filter_, window)
    failed = ", ".join(f"'{kind}'" for kind in FAILED_KINDS)
    destructive = ", ".join(f"'{kind}'" for kind in sorted(DESTRUCTIVE_KINDS))
    # First rank all lanes, then read the points of those that are drawn.
    top_rows = engine.table(
        f"""
        with counted as (
         select {key} as lane_key, {source.n} as n from {source.source} group by all
        ), named as (
         select {value} as value, c.lane_key, c.n from counted c
         join {table} l on l.{key} = c.lane_key
        )
        select value, list(lane_key) as keys, sum(n)::bigint as total, count(*) over () as lanes
        from named group by value order by total desc, value limit {int(top)}
        """,
        source.params,
    ).to_pylist()
    keys = [str(key) for row in top_rows for key in row["keys"]]
    rows = engine.table(
        f"""
        with counted as (
         select {key} as lane_key, {bucket} as bucket, e.action_key, {source.n} as n
         from {source.source} and e.{key} in ({", ".join(keys) or "null"})
         group by all
        )
        select {value} as value, max({label}) as label, c.bucket, sum(c.n)::bigint as n,
         coalesce(sum(c.n) filter (a.kind in ({failed})), 0)::bigint as failures,
         coalesce(sum(c.n) filter (a.kind in ({destructive})), 0)::bigint as destructive
        from counted c join actions a using (action_key)
        join {table} l on l.{key} = c.lane_key group by all order by value, bucket
        """,
        source.params,
    ).to_pylist()
    bars = timeline.empty_bars(window, grain, filter_)
    points: dict[str, list[Point]] = {}
    labels: dict[str, str] = {}
    for row in rows:
        labels[row["value"]] = row["label"]
        if row["bucket"] in bars:
            point = Point(bars[row["bucket"]], row["n"], row["failures"], row["destructive"])
            points.setdefault(row["value"], []).append(point)
    return Lanes(
        tuple(
            Lane(
                row["value"],
                labels.get(row["value"], row["value"]),
                row["total"],
                tuple(points.get(row["value"], ())),
            )
            for row in top_rows
        ),
        top_rows[0]["lanes"] if top_rows else 0,
    )
