"""The outbox: the delivery queue of each destination, attempts, and dead letters.

`enqueue` runs in the transaction that stores the subject of the message (transactional outbox).
Attempts are recorded before they begin and after they end; an attempt interrupted by a crash
counts as not sent.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trail.core.errors import InputError
from trail.core.json_values import json_value
from trail.core.model import Verdict
from trail.notifications import retry_policy
from trail.storage.connection import Cursor
from trail.storage.engine import Engine

KINDS = ("event", "alert", "finding", "incident", "notice", "seal", "digest", "test")
_MAX_RESPONSE_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one destination; `tries` includes the current attempt."""

    delivery_id: int
    kind: str
    key: str
    body: dict[str, Any]
    created_at: dt.datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one attempt; times are naive UTC."""

    delivery: Delivery
    began_at: dt.datetime
    ended_at: dt.datetime
    verdict: Verdict
    status: int


def enqueue(
    cursor: Cursor,
    destination_id: int,
    kind: str,
    key: str,
    payload: Mapping[str, Any],
    now: dt.datetime,
) -> None:
    """Append *payload* to the queue of a destination.

    *key* identifies the subject and is the same for every copy; *now* is naive UTC. Runs in the
    caller's transaction. Raises `InputError` for an unknown kind.
    """
    enqueue_all(cursor, destination_id, kind, [(key, payload)], now)


def enqueue_all(
    cursor: Cursor,
    destination_id: int,
    kind: str,
    items: Iterable[tuple[str, Mapping[str, Any]]],
    now: dt.datetime,
) -> int:
    """Append many (key, payload) in order, as `enqueue` does; return their number."""
    if kind not in KINDS:
        raise InputError(f"Unknown delivery kind {kind!r}.")
    rows = list(items)
    if not rows:
        return 0
    table = pa.table(
        {
            "position": pa.array(range(len(rows)), pa.int64()),
            "key": pa.array([key for key, _ in rows], pa.string()),
            "payload": pa.array([_to_json(payload) for _, payload in rows], pa.string()),
        }
    )
    cursor.register("queued", table)
    # IDs follow the order of the rows, and messages are sent in order of ID.
    cursor.execute(
        "insert into deliveries select nextval('delivery_ids'), $id, $kind, key, payload, $now, "
        "'waiting', 0, $now, null, null, '' "
        "from (select key, payload from queued order by position)",
        {"id": destination_id, "kind": kind, "now": now},
    )
    cursor.unregister("queued")
    return len(rows)


def head(engine: Engine, destination_id: int) -> tuple[int, dt.datetime | None]:
    """Return the number of waiting deliveries of a destination, and when the first is due (UTC)."""
    row = engine.table(
        "select count(*) as n, arg_min(due_at, delivery_id) as due_at from deliveries "
        "where destination_id = $id and state = 'waiting'",
        {"id": destination_id},
    ).to_pylist()[0]
    return row["n"], row["due_at"]


def heads(engine: Engine) -> dict[int, tuple[int, dt.datetime]]:
    """Return the result of `head` for every destination with waiting deliveries."""
    result = engine.table(
        "select destination_id, count(*) as n, arg_min(due_at, delivery_id) as due_at "
        "from deliveries where state = 'waiting' group by destination_id"
    ).to_pylist()
    return {row["destination_id"]: (row["n"], row["due_at"]) for row in result}


def claim(cursor: Cursor, destination_id: int, now: dt.datetime, limit: int) -> list[Delivery]:
    """Return up to *limit* waiting deliveries, in order, and mark them as being sent.

    The list ends before the first delivery that is not due yet, since later ones must wait.
    """
    rows = cursor.execute(
        "select delivery_id, kind, key, payload, created_at, tries, due_at from deliveries "
        "where destination_id = $id and state = 'waiting' order by delivery_id "
        f"limit {limit}",
        {"id": destination_id},
    ).fetchall()
    claimed: list[Delivery] = []
    for delivery_id, kind, key, payload, created_at, tries, due_at in rows:
        if due_at > now:
            break
        claimed.append(Delivery(delivery_id, kind, key, json.loads(payload), created_at, tries + 1))
    if claimed:
        cursor.execute(
            "update deliveries set state = 'sending', tries = tries + 1 "
            "where destination_id = $id and state = 'waiting' "
            "and delivery_id between $first and $last",
            {
                "id": destination_id,
                "first": claimed[0].delivery_id,
                "last": claimed[-1].delivery_id,
            },
        )
    return claimed


def settle(
    cursor: Cursor,
    destination_id: int,
    attempts: list[Attempt],
    unattempted: list[Delivery],
    random: retry_policy.Random,
) -> None:
    """Record the result of claimed deliveries: sent, waiting again, or dead letter."""
    for attempt in attempts:
        if attempt.verdict.kind != "ok":
            _record_failure(cursor, destination_id, attempt, random)
    delivered = [attempt for attempt in attempts if attempt.verdict.kind == "ok"]
    if not delivered and not unattempted:
        return
    # Deliveries still in state 'sending' were either delivered or not attempted.
    cursor.execute(
        "update deliveries set state = if(list_contains($sent, delivery_id), 'sent', 'waiting'), "
        "tries = if(list_contains($sent, delivery_id), tries, tries - 1), "
        "ended_at = if(list_contains($sent, delivery_id), $ended, null), "
        "status = if(list_contains($sent, delivery_id), $status, status), "
        "answer = if(list_contains($sent, delivery_id), $answer, answer) "
        "where destination_id = $id and state = 'sending'",
        {
            "id": destination_id,
            "sent": [attempt.delivery.delivery_id for attempt in delivered],
            "ended": delivered[-1].ended_at if delivered else None,
            "status": delivered[-1].status if delivered else None,
            "answer": delivered[-1].verdict.text[:_MAX_RESPONSE_LENGTH] if delivered else None,
        },
    )


def recover(cursor: Cursor) -> int:
    """Requeue deliveries whose attempt a crash interrupted; return their number."""
    return len(cursor.execute(f"{_RELEASE_SQL} returning 1").fetchall())


_RELEASE_SQL = "update deliveries set state = 'waiting', tries = tries - 1 where state = 'sending'"


def resend(cursor: Cursor, delivery_ids: Iterable[int], now: dt.datetime) -> int:
    """Retry dead letters and waiting deliveries now, in their original order; return their number.

    The count of attempts restarts. Since deliveries keep their order, those waiting before them
    become due as well. Deliveries in other states are unchanged. *now* is naive UTC.
    """
    params = {"ids": list(delivery_ids), "now": now}
    rows = cursor.execute(
        "update deliveries set state = 'waiting', tries = 0, due_at = $now, ended_at = null "
        f"where {_MAY_CHANGE} returning destination_id, delivery_id",
        params,
    ).fetchall()
    last: dict[int, int] = {}
    for destination_id, delivery_id in rows:
        last[destination_id] = max(delivery_id, last.get(destination_id, 0))
    for destination_id, delivery_id in last.items():
        cursor.execute(
            "update deliveries set due_at = $now where state = 'waiting' and due_at > $now "
            "and destination_id = $id and delivery_id < $last",
            {"now": now, "id": destination_id, "last": delivery_id},
        )
    return len(rows)


def delete(cursor: Cursor, delivery_ids: Iterable[int]) -> int:
    """Delete dead letters and waiting deliveries with their attempts; return their number.

    Deliveries that are being sent or were sent are kept.
    """
    deleted = [
        row[0]
        for row in cursor.execute(
            f"delete from deliveries where {_MAY_CHANGE} returning delivery_id",
            {"ids": list(delivery_ids)},
        ).fetchall()
    ]
    cursor.execute(
        "delete from tries where list_contains($ids, delivery_id)",
        {"ids": deleted},
    )
    return len(deleted)


# Deliveries that a user may retry or delete, by ID.
_MAY_CHANGE = "state in ('dead', 'waiting') and list_contains($ids, delivery_id)"


def _record_failure(
    cursor: Cursor, destination_id: int, attempt: Attempt, random: retry_policy.Random
) -> None:
    verdict, tries = attempt.verdict, attempt.delivery.tries
    state, due = "waiting", attempt.ended_at
    if verdict.kind == "rejected":
        state = "dead"
    elif verdict.kind == "retry":
        wait = retry_policy.delay_s(tries, verdict.wait_s, random)
        state = "dead" if wait is None else "waiting"
        due += dt.timedelta(seconds=wait or 0)
    # Else the destination is at fault; pending deliveries wait until it is fixed.
    params = {
        "number": attempt.delivery.delivery_id,
        "ended": attempt.ended_at,
        "status": attempt.status,
    }
    response = verdict.text[:_MAX_RESPONSE_LENGTH]
    cursor.execute(
        "update deliveries set state = $state, due_at = $due, status = $status, answer = $answer, "
        "ended_at = case when $state = 'dead' then $ended end where delivery_id = $number",
        {**params, "state": state, "due": due, "answer": response},
    )
    cursor.execute(
        "insert into tries values ($number, $id, $tries, $began, $ended, $verdict, $status, "
        "$answer)",
        {
            **params,
            "id": destination_id,
            "tries": tries,
            "began": attempt.began_at,
            "verdict": verdict.kind,
            "answer": response,
        },
    )


def as_sent(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return *payload* as it is sent: with times and numbers in JSON form."""
    result: dict[str, Any] = json.loads(_to_json(payload))
    return result


def _to_json(payload: Mapping[str, Any]) -> str:
    return json.dumps(
        dict(payload), default=lambda value: str(json_value(value)), separators=(",", ":")
    )
