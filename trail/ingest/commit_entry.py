"""Record each commit in the ledger: what it stored, hashed from the records as they came."""

import datetime as dt

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trail.integrity import commits
from trail.integrity.text_places import places
from trail.storage.connection import Cursor, arrow


def record(
    cursor: Cursor, now: dt.datetime, batch: int, events: pa.Table | None, *, twins: bool
) -> None:
    """Record what this transaction stored at *now* (`ingested_at`), up to *batch*.

    *events* are those it stored, with event_id, occurred_at, raw and verified. Reads `twins` if the
    transaction stored second reports.
    """
    commits.record(
        cursor,
        now,
        batch,
        _events(events) if events is not None else commits.NONE,
        _twins(cursor, now) if twins else commits.NONE,
    )


def _events(events: pa.Table) -> commits.Rows:
    moments = events["occurred_at"].cast(pa.int64()).to_numpy()
    order = _by_time_and_id(moments, events["event_id"].combine_chunks())
    ids = pc.binary_join_element_wise(events["event_id"].take(pa.array(order)), "\n", "")
    return commits.Rows(
        moments[order],
        commits.flags(events["verified"])[order],
        (places([ids], lines=True), places([events["raw"]]).taken(order)),
    )


def _by_time_and_id(moments: npt.NDArray[np.int64], ids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return the order of events by time, and of those of one moment by the bytes of their id."""
    order = np.argsort(moments, kind="stable")
    tied = np.flatnonzero(np.diff(moments[order]) == 0)
    edges = np.flatnonzero(np.diff(tied) != 1) + 1
    for run in np.split(tied, edges):
        if len(run):
            first, last = int(run[0]), int(run[-1]) + 2
            order[first:last] = sorted(order[first:last], key=lambda at: ids[at].as_py())
    return order


def _twins(cursor: Cursor, now: dt.datetime) -> commits.Rows:
    return commits.of_table(
        arrow(
            cursor,
            f"select {commits.columns('event_id', 'raw', 'twin_of')} from twins "
            "where ingested_at = $now "
            "order by twins.occurred_at, twins.event_id, twins.twin_of",
            {"now": now},
        )
    )
