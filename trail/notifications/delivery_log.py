"""The delivery log: pages of deliveries, attempts of one delivery, counts, and retention."""

import datetime as dt
from typing import Any

from trail.storage.database import Cursor, Engine


def list_deliveries(
    engine: Engine,
    *,
    destination_id: int | None = None,
    state: str = "",
    before: int | None = None,
    rows: int = 200,
) -> list[dict[str, Any]]:
    """Return deliveries, newest first: all columns and `destination`, the destination's name.

    *before* is the `delivery_id` of the last row of the previous page.
    """
    conditions, params = ["true"], dict[str, Any]()
    if destination_id is not None:
        conditions.append("d.destination_id = $id")
        params["id"] = destination_id
    if state:
        conditions.append("d.state = $state")
        params["state"] = state
    if before is not None:
        conditions.append("d.delivery_id < $before")
        params["before"] = before
    result: list[dict[str, Any]] = engine.table(
        "select d.*, t.name as destination from deliveries d "
        "join destinations t using (destination_id) "
        f"where {' and '.join(conditions)} order by d.delivery_id desc limit {rows}",
        params,
    ).to_pylist()
    return result


def list_attempts(engine: Engine, delivery_id: int) -> list[dict[str, Any]]:
    """Return the finished attempts of a delivery, oldest first.

    Each has number, began_at (None for the successful one), ended_at, verdict, status, answer.
    """
    result: list[dict[str, Any]] = engine.table(
        "select number, began_at, ended_at, verdict, status, answer from tries "
        "where delivery_id = $id union all "
        "select tries, null, ended_at, 'ok', status, answer from deliveries "
        "where delivery_id = $id and state = 'sent' order by ended_at, number",
        {"id": delivery_id},
    ).to_pylist()
    return result


def counts(engine: Engine) -> dict[int, dict[str, int]]:
    """Return the number of deliveries by destination and state: waiting, sending, sent, dead."""
    result: dict[int, dict[str, int]] = {}
    for row in engine.table(
        "select destination_id, state, count(*) as n from deliveries group by all"
    ).to_pylist():
        result.setdefault(row["destination_id"], {})[row["state"]] = row["n"]
    return result


def prune(cursor: Cursor, days: int, rows: int, now: dt.datetime) -> None:
    """Delete sent deliveries older than *days* or beyond *rows* per destination.

    Dead letters are deleted only beyond *rows*, and counted in `dropped` of their destination.
    """
    cursor.execute(
        "delete from deliveries where state = 'sent' and (ended_at < $before or delivery_id in ("
        "select delivery_id from deliveries where state = 'sent' qualify row_number() over "
        "(partition by destination_id order by delivery_id desc) > $rows))",
        {"before": now - dt.timedelta(days=days), "rows": rows},
    )
    deleted = cursor.execute(
        "delete from deliveries where state = 'dead' and delivery_id in ("
        "select delivery_id from deliveries where state = 'dead' qualify row_number() over "
        "(partition by destination_id order by delivery_id desc) > $rows) "
        "returning destination_id",
        {"rows": rows},
    ).fetchall()
    for number in {row[0] for row in deleted}:
        cursor.execute(
            "update destinations set dropped = dropped + $n where destination_id = $id",
            {"id": number, "n": sum(row[0] == number for row in deleted)},
        )
    cursor.execute(
        "delete from tries where not exists (select 1 from deliveries d "
        "where d.delivery_id = tries.delivery_id)"
    )
