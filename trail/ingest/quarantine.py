"""Records that were refused: by reason, one by one, and tried again once the reason may be gone.

A record is tried again from the bytes that were kept; one that was cut cannot be.
"""

from typing import Any

import pyarrow as pa

from trail.core.model import Batch, Chunk, Reject
from trail.core.settings import Limits
from trail.ingest import pipeline
from trail.storage.database import Cursor, Engine, Store

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

    Those that pass become events, unverified if that is why they were refused; the others are
    quarantined again under the new batch.
    """
    rows = store.table(
        f"select line, reason, raw from quarantine where batch_id = $batch and {_WHOLE} "
        "order by line",
        {"batch": batch_id},
    ).to_pylist()
    batch = Batch(source=f"Batch {batch_id} again", loader="quarantine")
    if not rows:
        return batch
    good, refused = [], []
    for row in rows:
        try:
            good.append((row["line"], row["raw"].decode(), row["reason"] != UNVERIFIED))
        except UnicodeDecodeError:
            refused.append(Reject(row["line"], row["reason"], row["raw"]))
    table = pa.table(
        {
            "line": pa.array([line for line, _, _ in good], pa.int64()),
            "raw": pa.array([raw for _, raw, _ in good], pa.string()),
            "verified": pa.array(
                [None if trusted else False for _, _, trusted in good], pa.bool_()
            ),
        }
    )

    def forget(cursor: Cursor) -> None:
        cursor.execute(
            f"delete from quarantine where batch_id = $batch and {_WHOLE}", {"batch": batch_id}
        )

    pipeline.start(store, batch)
    pipeline.add(store, batch, Chunk(table, tuple(refused)), limits, forget)
    pipeline.end(store, batch)
    return batch
