"""What the store holds, in a few numbers; and its batches and quarantine."""

from typing import Any

from trail.store import Engine


def status(engine: Engine) -> dict[str, Any]:
    """Return events, oldest and newest (ISO 8601, UTC), batches, duplicates, quarantined, ..."""
    held = engine.table(
        "select count(*) as events, min(occurred_at) as oldest, max(occurred_at) as newest, "
        "max(ingested_at) as last_arrival from events"
    ).to_pylist()[0]
    loads = engine.table(
        "select count(*) as batches, coalesce(sum(duplicates), 0)::bigint as duplicates "
        "from batches"
    ).to_pylist()[0]
    refused = engine.table("select count(*) as quarantined from quarantine").to_pylist()[0]
    unknown = engine.table(
        "select count(*) as unknown_actions from actions where not known"
    ).to_pylist()[0]
    times = {
        name: f"{held[name].isoformat()}Z" if held[name] else None
        for name in ("oldest", "newest", "last_arrival")
    }
    return {"events": held["events"], **times, **loads, **refused, **unknown}


def quarantined(engine: Engine, batch_id: int) -> list[dict[str, Any]]:
    """Return the refused records of a batch: line, reason, raw (bytes, cut), raw_bytes."""
    rows: list[dict[str, Any]] = engine.table(
        "select line, reason, raw, raw_bytes from quarantine where batch_id = $batch "
        "order by line, reason",
        {"batch": batch_id},
    ).to_pylist()
    return rows
