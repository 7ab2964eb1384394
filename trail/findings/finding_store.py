"""Stored findings: replaced per day and removed with their events, except decisions."""

import datetime as dt
import hashlib
import json
from typing import Any

import pyarrow as pa

from trail.findings.detector import Detector, Rule
from trail.findings.score import MEMORY_DAYS, Item, Weighed
from trail.storage.connection import Cursor

OPEN = "open"
# Thresholds need scores after the events are removed; reasons are dropped.
_THRESHOLD_DAYS = 35

Row = tuple[dt.date, str, str, list[dict[str, Any]]]


def finding_id(day: dt.date, actor_id: str) -> str:
    """Return the stable id of an actor's day."""
    return "f-" + hashlib.sha256(f"{day.isoformat()}\0{actor_id}".encode()).hexdigest()[:16]


def reason_record(weighed: Weighed) -> dict[str, Any]:
    """Return the reason of an item without its sentences."""
    row = weighed.item.row
    return {
        "detector": weighed.item.detector,
        "points": weighed.points,
        "facts": json.loads(row["facts"]),
        "actions": row["actions"],
        "since": row["since"],
        "upto": row["upto"],
    }


def stored_record(
    reason: dict[str, Any], seen: list[dict[str, Any]], detector: Detector | Rule
) -> dict[str, Any]:
    """Return *reason* as stored: with what was *seen*, and the sentences of its *detector*."""
    facts = {**reason["facts"], "seen": seen}
    return {
        **reason,
        "text": detector.explain(facts),
        "headline": detector.headline(facts),
        "facts": facts,
        "since": reason["since"].isoformat() if reason["since"] else None,
        "upto": reason["upto"].isoformat() if reason["upto"] else None,
    }


def replace_findings(
    cursor: Cursor,
    since: dt.date,
    rows: list[Row],
    risk_version: int,
    now: dt.datetime,
) -> None:
    """Replace the findings of all days from *since*; decisions stay."""
    states = dict(
        cursor.execute(
            f"select finding_id, state from findings where day >= date '{since}' "
            f"and state <> '{OPEN}'"
        ).fetchall()
    )
    ids = [finding_id(day, actor_id) for day, actor_id, *_ in rows]
    cursor.register("written_again", pa.table({"finding_id": pa.array(ids, pa.string())}))
    # A decision is kept even without reasons, because it may have to be proven later.
    cursor.execute(
        f"delete from findings where day >= date '{since}' and (state = '{OPEN}' "
        "or finding_id in (select finding_id from written_again))"
    )
    cursor.unregister("written_again")
    _insert(
        cursor,
        "findings",
        {
            "finding_id": pa.array(ids, pa.string()),
            "day": pa.array([row[0] for row in rows], pa.date32()),
            "actor_id": pa.array([row[1] for row in rows], pa.string()),
            "actor_type": pa.array([row[2] for row in rows], pa.string()),
            "score": pa.array([sum(r["points"] for r in row[3]) for row in rows], pa.int32()),
            "reasons": pa.array([json.dumps(row[3]) for row in rows], pa.string()),
            "state": pa.array([states.get(id_, OPEN) for id_ in ids], pa.string()),
            "risk_version": pa.array([risk_version] * len(rows), pa.int32()),
            "scored_at": pa.array([now] * len(rows), pa.timestamp("us")),
        },
    )


def replace_item_sizes(cursor: Cursor, since: dt.date, items: list[Item]) -> None:
    """Replace the stored item sizes of all days from *since* by those of *items*."""
    cursor.execute(f"delete from item_sizes where day >= date '{since}'")
    _insert(
        cursor,
        "item_sizes",
        {
            "day": pa.array([item.day for item in items], pa.date32()),
            "detector": pa.array([item.detector for item in items], pa.string()),
            "bits": pa.array([item.bits for item in items], pa.float64()),
        },
    )


def remove_expired(cursor: Cursor) -> None:
    """Remove what is stored about days without events; decisions stay."""
    oldest = "(select coalesce(min(day), date '9999-01-01') from folded)"
    open_ = f"state = '{OPEN}'"
    cursor.execute(f"update findings set reasons = '[]' where {open_} and day < {oldest}")
    cursor.execute(f"delete from findings where {open_} and day < {oldest} - {_THRESHOLD_DAYS}")
    cursor.execute(f"delete from item_sizes where day < {oldest} - {MEMORY_DAYS}")


def _insert(cursor: Cursor, table: str, columns: dict[str, pa.Array]) -> None:
    cursor.register("to_insert", pa.table(columns))
    cursor.execute(f"insert into {table} select * from to_insert")
    cursor.unregister("to_insert")
