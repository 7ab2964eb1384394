"""Deliveries: what waits for each destination in its order, what each try came to, dead letters.

`enqueue` runs inside the transaction that keeps what is told of, so that neither is there without
the other. A try is noted before it begins and after it ends; one that was under way when the
process died counts as not sent.
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
from trail.storage.database import Cursor, Engine

KINDS = ("event", "alert", "finding", "incident", "notice", "seal", "test")
_LONGEST_ANSWER = 300


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing on its way to one destination; `tries` counts the one that is under way."""

    delivery_id: int
    kind: str
    key: str
    body: dict[str, Any]
    created_at: dt.datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Try:
    """What one try came to, and when it began and ended (UTC, without zone)."""

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
    """Let *payload* be told to a destination, after all that waits for it already.

    *key* names what it tells of and is the same for each copy; *now* is UTC without zone. Runs in
    the caller's transaction. Raises `InputError` for an unknown kind.
    """
    enqueue_all(cursor, destination_id, kind, [(key, payload)], now)


def enqueue_all(
    cursor: Cursor,
    destination_id: int,
    kind: str,
    items: Iterable[tuple[str, Mapping[str, Any]]],
    now: dt.datetime,
) -> int:
    """As `enqueue`, for many (key, payload) in their order; return how many."""
    if kind not in KINDS:
        raise InputError(f"There is no delivery of the kind {kind!r}.")
    rows = list(items)
    if not rows:
        return 0
    table = pa.table(
        {
            "place": pa.array(range(len(rows)), pa.int64()),
            "key": pa.array([key for key, _ in rows], pa.string()),
            "payload": pa.array([_text(payload) for _, payload in rows], pa.string()),
        }
    )
    cursor.register("told", table)
    # Numbers are taken in the order of the rows: the order of the numbers is that of sending.
    cursor.execute(
        "insert into deliveries select nextval('delivery_ids'), $id, $kind, key, payload, $now, "
        "'waiting', 0, $now, null, null, '' from (select key, payload from told order by place)",
        {"id": destination_id, "kind": kind, "now": now},
    )
    cursor.unregister("told")
    return len(rows)


def head(engine: Engine, destination_id: int) -> tuple[int, dt.datetime | None]:
    """Return how many wait for a destination, and when the first of them is due (UTC)."""
    row = engine.table(
        "select count(*) as n, arg_min(due_at, delivery_id) as due_at from deliveries "
        "where destination_id = $id and state = 'waiting'",
        {"id": destination_id},
    ).to_pylist()[0]
    return row["n"], row["due_at"]


def heads(engine: Engine) -> dict[int, tuple[int, dt.datetime]]:
    """Return what `head` returns, of every destination for which something waits."""
    result = engine.table(
        "select destination_id, count(*) as n, arg_min(due_at, delivery_id) as due_at "
        "from deliveries where state = 'waiting' group by destination_id"
    ).to_pylist()
    return {row["destination_id"]: (row["n"], row["due_at"]) for row in result}


def claim(cursor: Cursor, destination_id: int, now: dt.datetime, most: int) -> list[Delivery]:
    """Return the first that wait, in order, and note that they are being tried.

    None where the first is not due yet: nothing overtakes it.
    """
    rows = cursor.execute(
        "select delivery_id, kind, key, payload, created_at, tries, due_at from deliveries "
        "where destination_id = $id and state = 'waiting' order by delivery_id "
        f"limit {most}",
        {"id": destination_id},
    ).fetchall()
    claimed: list[Delivery] = []
    for number, kind, key, payload, created_at, tries, due_at in rows:
        if due_at > now:
            break
        claimed.append(Delivery(number, kind, key, json.loads(payload), created_at, tries + 1))
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
    tried: list[Try],
    untried: list[Delivery],
    random: retry_policy.Random,
) -> None:
    """Note what became of what was claimed: sent, waiting again, or dead; in one transaction."""
    for item in tried:
        if item.verdict.kind != "ok":
            _note_failed(cursor, destination_id, item, random)
    well = [item for item in tried if item.verdict.kind == "ok"]
    if not well and not untried:
        return
    # What is still in this state is what was claimed: it went well, or was not tried.
    cursor.execute(
        "update deliveries set state = if(list_contains($well, delivery_id), 'sent', 'waiting'), "
        "tries = if(list_contains($well, delivery_id), tries, tries - 1), "
        "ended_at = if(list_contains($well, delivery_id), $ended, null), "
        "status = if(list_contains($well, delivery_id), $status, status), "
        "answer = if(list_contains($well, delivery_id), $answer, answer) "
        "where destination_id = $id and state = 'sending'",
        {
            "id": destination_id,
            "well": [item.delivery.delivery_id for item in well],
            "ended": well[-1].ended_at if well else None,
            "status": well[-1].status if well else None,
            "answer": well[-1].verdict.text[:_LONGEST_ANSWER] if well else None,
        },
    )


def recover(cursor: Cursor) -> int:
    """Let wait again whatever was being tried when the process died; return how many."""
    return len(cursor.execute(f"{_LET_GO} returning 1").fetchall())


# What was claimed and not tried, or not to its end.
_LET_GO = "update deliveries set state = 'waiting', tries = tries - 1 where state = 'sending'"


def resend(cursor: Cursor, delivery_ids: Iterable[int], now: dt.datetime) -> int:
    """Retry dead letters, each at its original position; return their number."""
    rows = cursor.execute(
        "update deliveries set state = 'waiting', tries = 0, due_at = $now "
        "where state = 'dead' and list_contains($ids, delivery_id) returning 1",
        {"ids": list(delivery_ids), "now": now},
    ).fetchall()
    return len(rows)


def _note_failed(
    cursor: Cursor, destination_id: int, attempt: Try, random: retry_policy.Random
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
    message = {
        "number": attempt.delivery.delivery_id,
        "ended": attempt.ended_at,
        "status": attempt.status,
    }
    words = verdict.text[:_LONGEST_ANSWER]
    cursor.execute(
        "update deliveries set state = $state, due_at = $due, status = $status, answer = $answer, "
        "ended_at = case when $state = 'dead' then $ended end where delivery_id = $number",
        {**message, "state": state, "due": due, "answer": words},
    )
    cursor.execute(
        "insert into tries values ($number, $id, $tries, $began, $ended, $verdict, $status, "
        "$answer)",
        {
            **message,
            "id": destination_id,
            "tries": tries,
            "began": attempt.began_at,
            "verdict": verdict.kind,
            "answer": words,
        },
    )


def _text(payload: Mapping[str, Any]) -> str:
    return json.dumps(
        dict(payload), default=lambda value: str(json_value(value)), separators=(",", ":")
    )
