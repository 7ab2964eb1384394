"""The delivery log: pages of it, the tries of one delivery, counts, and how far back it goes."""

import datetime as dt
from typing import Any

from trail.storage.database import Cursor, Engine


def page(
    engine: Engine,
    *,
    destination_id: int | None = None,
    state: str = "",
    before: int | None = None,
    rows: int = 200,
) -> list[dict[str, Any]]:
    """Return deliveries, the newest first: all columns of the table, and `destination`, its name.

    *before* is the `delivery_id` of the last row of the page before.
    """
    parts, params = ["true"], dict[str, Any]()
    if destination_id is not None:
        parts.append("d.destination_id = $id")
        params["id"] = destination_id
    if state:
        parts.append("d.state = $state")
        params["state"] = state
    if before is not None:
        parts.append("d.delivery_id < $before")
        params["before"] = before
    result: list[dict[str, Any]] = engine.table(
        "select d.*, t.name as destination from deliveries d "
        "join destinations t using (destination_id) "
        f"where {' and '.join(parts)} order by d.delivery_id desc limit {rows}",
        params,
    ).to_pylist()
    return result


def tries_of(engine: Engine, delivery_id: int) -> list[dict[str, Any]]:
    """Return every try of a delivery that is over, the first one first.

    Each has number, began_at (None of the one that went well), ended_at, verdict, status, answer.
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
    """Return for each destination how many deliveries are waiting, sending, sent and dead."""
    result: dict[int, dict[str, int]] = {}
    for row in engine.table(
        "select destination_id, state, count(*) as n from deliveries group by all"
    ).to_pylist():
        result.setdefault(row["destination_id"], {})[row["state"]] = row["n"]
    return result


def prune(cursor: Cursor, days: int, rows: int, now: dt.datetime) -> None:
    """Keep of the log so many *days* and at most so many *rows* a destination.

    Dead letters stay until there are more than *rows*; what then goes is counted in `dropped`.
    """
    cursor.execute(
        "delete from deliveries where state = 'sent' and (ended_at < $before or delivery_id in ("
        "select delivery_id from deliveries where state = 'sent' qualify row_number() over "
        "(partition by destination_id order by delivery_id desc) > $rows))",
        {"before": now - dt.timedelta(days=days), "rows": rows},
    )
    gone = cursor.execute(
        "delete from deliveries where state = 'dead' and delivery_id in ("
        "select delivery_id from deliveries where state = 'dead' qualify row_number() over "
        "(partition by destination_id order by delivery_id desc) > $rows) "
        "returning destination_id",
        {"rows": rows},
    ).fetchall()
    for number in {row[0] for row in gone}:
        cursor.execute(
            "update destinations set dropped = dropped + $n where destination_id = $id",
            {"id": number, "n": sum(row[0] == number for row in gone)},
        )
    cursor.execute(
        "delete from tries where not exists (select 1 from deliveries d "
        "where d.delivery_id = tries.delivery_id)"
    )
