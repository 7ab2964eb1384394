"""Records that were refused: by reason, one by one, and tried again once the reason may be gone.

A record is tried again from the bytes that were kept; one that was cut cannot be.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from trail.core.limits import Limits
from trail.core.model import Batch, Chunk, Reject
from trail.ingest import pipeline
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine

# The field's label in Segment; it is in the mapping of the destination Webhooks (Actions).
BATCHING_OFF = (
    "In Segment, edit the mapping of the webhook destination and set Enable Batching? to No."
)
UNVERIFIED = (
    "Not covered by the signature of its batch, and push.accept_unverified is false. "
    + BATCHING_OFF
)

_WHOLE = "octet_length(raw) >= raw_bytes"


def reasons(engine: Engine) -> list[dict[str, Any]]:
    """Return what was refused by batch and reason, the newest first.

    Each row has batch_id, loader, source, reason, records, whole (can be tried again), seen_at.
    """
    result: list[dict[str, Any]] = engine.table(
        f"select q.batch_id, b.loader, b.source, q.reason, count(*) as records, "
        f"count(*) filter ({_WHOLE}) as whole, max(q.seen_at) as seen_at "
        "from quarantine q left join batches b using (batch_id) "
        "group by all order by seen_at desc, records desc, reason"
    ).to_pylist()
    return result


def records(engine: Engine, batch_id: int, reason: str, rows: int) -> list[dict[str, Any]]:
    """Return the first *rows* refused records of a batch with *reason*: line, raw, raw_bytes."""
    result: list[dict[str, Any]] = engine.table(
        "select line, raw, raw_bytes from quarantine "
        "where batch_id = $batch and reason = $reason order by line limit $rows",
        {"batch": batch_id, "reason": reason, "rows": rows},
    ).to_pylist()
    return result


def retry(store: Store, limits: Limits, batch_id: int) -> Batch:
    """Try the refused records of a batch again; return the batch of the trial.

    Those that pass become events, verified or not as they came; the others are quarantined again
    under the new batch.
    """
    rows = store.table(
        "select line, reason, raw, verified, named, mapped from quarantine "
        f"where batch_id = $batch and {_WHOLE} order by line",
        {"batch": batch_id},
    ).to_pylist()
    polled = store.table(
        "select workspace_id from batches where batch_id = $batch", {"batch": batch_id}
    )["workspace_id"].to_pylist()
    batch = Batch(
        source=f"Batch {batch_id} again",
        loader="quarantine",
        workspace_id=next(filter(None, polled), ""),
    )
    if not rows:
        return batch

    options: dict[tuple[bool, bool], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        options[row["named"], row["mapped"]].append(row)
    pipeline.start(store, batch)
    for (named, mapped), group in options.items():
        chunk = _chunk(group, named=named, mapped=mapped)
        pipeline.add(store, batch, chunk, limits, _deletion(batch_id, chunk))
    pipeline.end(store, batch)
    return batch


def _deletion(batch_id: int, chunk: Chunk) -> Callable[[Cursor], None]:
    """Return the step that deletes the records of *chunk* from the quarantine of a batch."""

    def delete(cursor: Cursor) -> None:
        cursor.execute(
            f"delete from quarantine where batch_id = $batch and {_WHOLE} "
            "and named = $named and mapped = $mapped",
            {"batch": batch_id, "named": chunk.named, "mapped": chunk.mapped},
        )

    return delete


def _chunk(rows: list[dict[str, Any]], *, named: bool, mapped: bool) -> Chunk:
    good: list[dict[str, Any]] = []
    refused = []
    for row in rows:
        try:
            good.append({**row, "raw": row["raw"].decode()})
        except UnicodeDecodeError:
            refused.append(Reject(row["line"], row["reason"], row["raw"], 0, row["verified"]))
    table = pa.table(
        {
            "line": pa.array([row["line"] for row in good], pa.int64()),
            "raw": pa.array([row["raw"] for row in good], pa.string()),
            "verified": pa.array([row["verified"] for row in good], pa.bool_()),
        }
    )
    return Chunk(table, tuple(refused), named=named, mapped=mapped)
