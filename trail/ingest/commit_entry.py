"""Record each commit in the ledger: what it stored, hashed from the records as they came."""

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from trail.integrity import commits
from trail.integrity.text_places import places
from trail.storage.database import Cursor


def record(
    cursor: Cursor,
    now: dt.datetime,
    batch: int,
    records: Sequence[Mapping[str, pa.ChunkedArray]],
    *,
    events: bool,
    twins: bool,
) -> None:
    """Record what this transaction stored at *now* (`ingested_at`), up to *batch*.

    *records* have the columns raw and verified, in the order of pos. Reads the temporary table
    `keyed` if the transaction stored *events*, and `twins` if it stored second reports.
    """
    commits.record(
        cursor,
        now,
        batch,
        _events(cursor, records) if events else commits.NONE,
        _twins(cursor, now) if twins else commits.NONE,
    )


def _events(cursor: Cursor, records: Sequence[Mapping[str, pa.ChunkedArray]]) -> commits.Rows:
    kept = cursor.sql(
        "select pos, epoch_us(occurred_at) as micros, event_id || chr(10) as id from keyed "
        "order by occurred_at, event_id"
    ).to_arrow_table()
    given = [pa.table(dict(columns)) for columns in records]
    verified = np.concatenate([commits.flags(table["verified"]) for table in given])
    order = kept["pos"].to_numpy()
    texts = places(table["raw"] for table in given).taken(order)
    return commits.Rows(
        kept["micros"].to_numpy(), verified[order], (places([kept["id"]], lines=True), texts)
    )


def _twins(cursor: Cursor, now: dt.datetime) -> commits.Rows:
    return commits.of_table(
        cursor.sql(
            f"select {commits.columns('event_id', 'raw', 'twin_of')} from twins "
            "where ingested_at = $now "
            "order by twins.occurred_at, twins.event_id, twins.twin_of",
            params={"now": now},
        ).to_arrow_table()
    )
