"""Totals of the database, and its sources, batches, unknown types and quarantine."""

import datetime as dt
from typing import Any

from trail.core.json_values import json_value
from trail.storage.engine import Engine

_EARLIEST = dt.datetime.fromisoformat("0001-01-01")


def has_events(engine: Engine) -> bool:
    """Return whether any event exists, archived ones among them, without counting."""
    sql = "(select 1 from events limit 1) union all (select 1 from cold_parts limit 1)"
    return bool(engine.table(sql).num_rows)


def status(engine: Engine) -> dict[str, Any]:
    """Return events, oldest and newest (ISO 8601, UTC), batches, duplicates, quarantined, ...

    These are of the database; `archived` counts the events in the archive. The newest is the newest
    that is not dated in the future.
    """
    totals = engine.table(
        "select count(*) as events, count(*) filter (unverified) as unverified, "
        "count(*) filter (future_dated) as future_dated, min(occurred_at) as oldest, "
        "max(occurred_at) filter (not future_dated) as newest, "
        "max(ingested_at) as last_arrival from events"
    ).to_pylist()[0]
    loads = engine.table(
        "select count(*) as batches, coalesce(sum(duplicates), 0)::bigint as duplicates, "
        "coalesce(sum(linked), 0)::bigint as linked from batches"
    ).to_pylist()[0]
    refused = engine.table("select count(*) as quarantined from quarantine").to_pylist()[0]
    unknown = engine.table(
        "select count(*) as unknown_actions from actions where not known"
    ).to_pylist()[0]
    times = {name: json_value(totals[name]) for name in ("oldest", "newest", "last_arrival")}
    flags = {name: totals[name] for name in ("unverified", "future_dated")}
    archived = engine.table(
        "select coalesce(sum(n), 0)::bigint as archived from cold_cube"
    ).to_pylist()[0]
    return {"events": totals["events"], **archived, **flags, **times, **loads, **refused, **unknown}


def stored(totals: dict[str, Any]) -> int:
    """Return how many events both tiers have, by *totals*, a `status`."""
    return int(totals["events"] + totals["archived"])


def sources(engine: Engine) -> list[dict[str, Any]]:
    """Return all sources with a batch or a collection attempt, by loader name.

    Each row has loader, read, kept, duplicates, linked, quarantined, last_kept_at (of a batch with
    new events), last_batch_at, watched_until and watched_since (the newest covered span or check),
    failed_since (the first failure), failed_at and failure (the newest one); times are UTC without
    zone, or None. What they mean together is decided by `trail.ingest.source_health`.
    """
    rows: list[dict[str, Any]] = engine.table(
        """
        with loads as (
         select loader, sum(read)::bigint as read, sum(kept)::bigint as kept,
          sum(duplicates)::bigint as duplicates, sum(coalesce(linked, 0))::bigint as linked,
          sum(quarantined)::bigint as quarantined,
          max(case when kept > 0 then coalesce(ended_at, started_at) end) as last_kept_at,
          max(coalesce(ended_at, started_at)) as last_batch_at
         from batches where loader <> '' group by loader
        ), looks as (
         select source as loader, max(to_at) filter (state <> 'failed') as watched_until,
          max_by(from_at, to_at) filter (state <> 'failed') as watched_since,
          min(from_at) filter (state = 'failed') as failed_since,
          max(to_at) filter (state = 'failed') as failed_at,
          max_by(detail, to_at) filter (state = 'failed') as failure
         from watches group by source
        )
        select loader, coalesce(read, 0) as read, coalesce(kept, 0) as kept,
         coalesce(duplicates, 0) as duplicates, coalesce(linked, 0) as linked,
         coalesce(quarantined, 0) as quarantined, last_kept_at, last_batch_at, watched_until,
         watched_since, failed_since, failed_at, failure
        from loads full join looks using (loader) order by loader
        """
    ).to_pylist()
    return rows


def newest_events(engine: Engine, now: dt.datetime) -> dict[str, dt.datetime]:
    """Return by loader when its newest event until *now* occurred, without future-dated ones.

    Times are UTC without zone. A loader without events is missing.
    """
    # Those that collect now have events of the last day, which are few; only others need them all.
    newest = _by_loader(engine, now, now - dt.timedelta(days=1))
    loaders = engine.table("select distinct loader from trail.batches where kept > 0")
    if not set(loaders["loader"].to_pylist()) <= set(newest):
        newest = _by_loader(engine, now, _EARLIEST) | newest
    archived = engine.table(
        "select loader, max(last_at) as at_time from cold_loader_days where last_at <= $now "
        "group by loader",
        {"now": now},
    ).to_pylist()
    for row in archived:
        newest[row["loader"]] = max(row["at_time"], newest.get(row["loader"], _EARLIEST))
    return newest


def _by_loader(engine: Engine, now: dt.datetime, start: dt.datetime) -> dict[str, dt.datetime]:
    """Return by loader when the newest of its events after *start* in the database occurred."""
    rows = engine.table(
        "select loader, max(occurred_at) as at_time "
        "from trail.events join trail.batches using (batch_id) "
        "where occurred_at <= $now and not future_dated and occurred_at > $start group by loader",
        {"now": now, "start": start},
    ).to_pylist()
    return {row["loader"]: row["at_time"] for row in rows}


def unverified_events(engine: Engine, now: dt.datetime) -> int:
    """Return the number of unverified events in the seven days before *now*."""
    table = engine.table(
        "select count(*) as n from events where unverified and occurred_at > $start",
        {"start": now - dt.timedelta(days=7)},
    )
    return int(table["n"][0].as_py())


def batches(engine: Engine, rows: int, before: int | None = None) -> list[dict[str, Any]]:
    """Return the newest *rows* batches, or those older than batch *before*."""
    result: list[dict[str, Any]] = engine.table(
        "select batch_id, loader, source, started_at, ended_at, read, kept, duplicates, "
        "coalesce(linked, 0) as linked, quarantined, error from batches "
        "where batch_id < $before order by batch_id desc limit $rows",
        {"before": 2**31 - 1 if before is None else before, "rows": rows},
    ).to_pylist()
    return result


def unknown_actions(engine: Engine) -> list[dict[str, Any]]:
    """Return event types missing from the catalog: action_raw, category, events, last_at.

    `mapped` is true for types that a user assigned to a category.
    """
    result: list[dict[str, Any]] = engine.table(
        "select a.action_raw, a.category, not (a.category = 'Other') as mapped, "
        "coalesce(sum(c.n), 0)::bigint as events, max(c.hour) as last_at "
        "from actions a left join cube c using (action_key) "
        "where not a.known or a.action_raw in (select action_raw from mappings) "
        "group by all order by mapped, events desc, a.action_raw"
    ).to_pylist()
    return result


def quarantined(engine: Engine, batch_id: int) -> list[dict[str, Any]]:
    """Return the quarantined records of a batch: line, reason, raw (truncated), raw_bytes."""
    rows: list[dict[str, Any]] = engine.table(
        "select line, reason, raw, raw_bytes from quarantine where batch_id = $batch "
        "order by line, reason",
        {"batch": batch_id},
    ).to_pylist()
    return rows
