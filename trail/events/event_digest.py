"""A digest of the events of a filter, which a reader of their exact records can compute again."""

import datetime as dt
import hashlib
from typing import Any

from trail.storage.engine import Engine
from trail.storage.filters import Filter
from trail.storage.where import select

DIGEST_IS_OVER = (
    "for each event by time and id: id, LF, microseconds since 1970, LF, "
    "SHA-256 of its record in hex, LF"
)
_BATCH = 50_000


def digest_of(
    engine: Engine, filter_: Filter, now: dt.datetime, last_batch: int | None = None
) -> tuple[int, str]:
    """Return the number of events of *filter_* and a SHA-256 over them, see `DIGEST_IS_OVER`.

    With *last_batch*, events of later batches are left out.
    """
    selection = select(engine, filter_, now)
    digest, total = hashlib.sha256(), 0
    with engine.reading() as reading:
        for batch in reading.batches(
            "select e.event_id || chr(10) || epoch_us(e.occurred_at) || chr(10) || sha256(e.raw) "
            f"|| chr(10) as line from events e where {selection.timed()}{_until(last_batch)} "
            "order by e.occurred_at, e.event_id",
            selection.params,
            _BATCH,
        ):
            total += batch.num_rows
            digest.update("".join(batch.column(0).to_pylist()).encode())
    return total, digest.hexdigest()


def newest_batch(engine: Engine) -> int:
    """Return the number of the newest batch; 0 without batches."""
    table = engine.table("select coalesce(max(batch_id), 0)::bigint as batch from batches")
    return int(table["batch"][0].as_py())


def checksum(engine: Engine, filter_: Filter, now: dt.datetime, last_batch: int) -> tuple[int, str]:
    """Return the number of events of *filter_* in batches up to *last_batch*, and a checksum.

    The checksum is twenty times as fast as the digest and proves nothing: where it is the same in
    one process, the digest is the same.
    """
    selection = select(engine, filter_, now)
    row = engine.table(
        "select count(*) as n, "
        "sum(hash(e.event_id, e.occurred_at, e.raw)::hugeint)::varchar as sum "
        f"from events e where {selection.timed()}{_until(last_batch)}",
        selection.params,
    ).to_pylist()[0]
    return int(row["n"]), str(row["sum"])


def later(
    engine: Engine, filter_: Filter, now: dt.datetime, last_batch: int
) -> list[dict[str, Any]]:
    """Return the events of *filter_* that arrived in batches after *last_batch*, by batch.

    Each row has batch_id, loader, events and arrived_at (UTC, the last arrival).
    """
    selection = select(engine, filter_, now)
    return list(
        engine.table(
            "select batch_id, loader, count(*) as events, max(ingested_at) as arrived_at "
            "from events e join batches using (batch_id) "
            f"where {selection.timed()} and batch_id > {int(last_batch)} "
            "group by all order by batch_id",
            selection.params,
        ).to_pylist()
    )


def _until(last_batch: int | None) -> str:
    return "" if last_batch is None else f" and e.batch_id <= {int(last_batch)}"
