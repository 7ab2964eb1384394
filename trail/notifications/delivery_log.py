"""The delivery log: pages of deliveries, attempts of one delivery, counts, and retention."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trail.storage.connection import Cursor
from trail.storage.engine import Engine

# A delivery that failed this often counts as a problem although it is tried again.
_FAILING_TRIES = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """A destination that did not get its messages.

    `dead` counts dead letters, `retrying` waiting messages whose last attempts failed. `failing`
    says that it fails now: it is off, or its last message was not delivered. `since` is when the
    problem began (UTC without zone), `answer` what the destination answered last, or why it is off.
    """

    destination_id: int
    name: str
    kind: str
    off: bool
    dead: int
    retrying: int
    failing: bool
    since: dt.datetime | None
    answer: str


def problems(engine: Engine) -> list[Problem]:
    """Return the destinations with a problem, by name; a paused one has only its dead letters."""
    rows = engine.table(
        "with counted as (select destination_id, count(*) filter (state = 'dead') as dead, "
        "count(*) filter (state = 'waiting' and tries >= $tries) as retrying, "
        "min(if(state = 'dead', ended_at, created_at)) "
        "filter (state = 'dead' or (state = 'waiting' and tries >= $tries)) as failed_at, "
        "arg_max(state, delivery_id) filter (state in ('sent', 'dead')) as last_state, "
        "arg_max(answer, delivery_id) filter (state = 'dead' or tries >= $tries) as answer "
        "from deliveries group by destination_id) "
        "select d.destination_id, d.name, d.kind, d.state, d.said, d.changed_at, c.* "
        "exclude (destination_id) from destinations d left join counted c using (destination_id) "
        "where d.state = 'off' or c.dead > 0 or c.retrying > 0 "
        "order by lower(d.name), d.destination_id",
        {"tries": _FAILING_TRIES},
    ).to_pylist()
    result = []
    for row in rows:
        off, active = row["state"] == "off", row["state"] == "on"
        dead, retrying = row["dead"] or 0, (row["retrying"] or 0) if active else 0
        if off or dead or retrying:
            failing = off or (active and bool(retrying or row["last_state"] == "dead"))
            result.append(
                Problem(
                    row["destination_id"],
                    row["name"],
                    row["kind"],
                    off,
                    dead,
                    retrying,
                    failing,
                    row["changed_at"] if off else row["failed_at"],
                    (row["said"] if off else row["answer"]) or "",
                )
            )
    return result


def failing(engine: Engine) -> frozenset[int]:
    """Return the IDs of the destinations that fail now."""
    return frozenset(one.destination_id for one in problems(engine) if one.failing)


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


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead letters of one destination with the same reason.

    `status` and `answer` are the last response of the destination; `first_at` and `last_at` (naive
    UTC) are when the first and the last of them ended.
    """

    destination_id: int
    destination: str
    status: int | None
    answer: str
    delivery_ids: tuple[int, ...]
    first_at: dt.datetime
    last_at: dt.datetime


def dead_letters(engine: Engine) -> list[DeadLetters]:
    """Return all dead letters by destination and reason, the largest groups first."""
    rows = engine.table(
        "select d.destination_id, t.name as destination, d.status, "
        "coalesce(d.answer, '') as answer, "
        "list(d.delivery_id order by d.delivery_id) as delivery_ids, "
        "min(coalesce(d.ended_at, d.created_at)) as first_at, "
        "max(coalesce(d.ended_at, d.created_at)) as last_at "
        "from deliveries d join destinations t using (destination_id) where d.state = 'dead' "
        "group by all order by len(delivery_ids) desc, destination, answer"
    ).to_pylist()
    return [DeadLetters(**{**row, "delivery_ids": tuple(row["delivery_ids"])}) for row in rows]


def subject(row: Mapping[str, Any]) -> str:
    """Return the subject of a row of `list_deliveries`: its rule, or its title or action."""
    body = json.loads(row["payload"])
    return str(body.get("rule") or body.get("title") or body.get("action") or "")


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
