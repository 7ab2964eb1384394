"""The rules that are kept, and what each remembers between two looks."""

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pyarrow as pa

from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.notifications.rate_limit import Group, Tally
from trail.notifications.rule import Rule
from trail.storage.database import Cursor, Engine


def keep(cursor: Cursor, rule: Rule, by: str) -> int:
    """Keep *rule*, new or changed, and return its id.

    Raises `InputError` for what cannot be used, and for a name that another rule has.
    """
    rule.check()
    if cursor.execute(
        "select 1 from rules where lower(name) = lower($name) and rule_id <> $id",
        {"name": rule.name, "id": rule.rule_id},
    ).fetchall():
        raise InputError("There is a rule of this name.", "Choose another name.")
    number = rule.rule_id
    message = {"name": rule.name, "made": json.dumps(rule.definition()), "active": rule.active}
    if number:
        cursor.execute(
            "update rules set name = $name, definition = $made, active = $active "
            "where rule_id = $id",
            {**message, "id": number},
        )
        return number
    number = int(cursor.execute("select nextval('rule_ids')").fetchall()[0][0])
    cursor.execute(
        "insert into rules values ($id, $name, $made, $active, null, $by, $now, null, '{}')",
        {**message, "id": number, "by": by, "now": utc_now()},
    )
    return number


def remove(cursor: Cursor, rule_id: int) -> None:
    """Forget a rule and what it remembers; what it has sent stays in the delivery log."""
    for table in ("rules", "rule_groups", "rule_days", "rule_seen"):
        cursor.execute(f"delete from {table} where rule_id = $id", {"id": rule_id})


def snooze(cursor: Cursor, rule_id: int, until: dt.datetime | None) -> None:
    """Let a rule be silent until a moment (UTC, without zone); None wakes it.

    What meets it meanwhile is counted, and told in one message when it wakes.
    """
    cursor.execute(
        "update rules set snoozed_until = $until where rule_id = $id",
        {"id": rule_id, "until": until},
    )


def all_of(engine: Engine) -> list[Rule]:
    """Return every rule, by name."""
    result = engine.table(
        "select rule_id, definition, active, snoozed_until from rules order by lower(name)"
    )
    return [_made(row) for row in result.to_pylist()]


def histories(engine: Engine, days: int, today: dt.date) -> dict[int, dict[str, Any]]:
    """Return for each rule `last_fired_at` (UTC) and `days`: (day, hits, messages), oldest first.

    Days are of UTC, as many as asked for, today the last, those without hits among them.
    """
    first = today - dt.timedelta(days=days - 1)
    span = [first + dt.timedelta(days=n) for n in range(days)]
    counted: dict[tuple[int, dt.date], tuple[int, int]] = {
        (row["rule_id"], row["day"]): (row["hits"], row["messages"])
        for row in engine.table(
            "select * from rule_days where day >= $first", {"first": first}
        ).to_pylist()
    }
    return {
        row["rule_id"]: {
            "last_fired_at": row["last_fired_at"],
            "days": [(day, *counted.get((row["rule_id"], day), (0, 0))) for day in span],
        }
        for row in engine.table("select rule_id, last_fired_at from rules").to_pylist()
    }


def tallies(engine: Engine) -> dict[int, Tally]:
    """Return what every rule remembers, by its id."""
    made: dict[int, Tally] = {}
    for row in engine.table("select rule_id, tally from rules").to_pylist():
        message = json.loads(row["tally"])
        made[row["rule_id"]] = Tally(
            opened_at=_moment(message.get("opened_at")),
            firsts=message.get("firsts", 0),
            day=dt.date.fromisoformat(message["day"]) if message.get("day") else None,
            sent=message.get("sent", 0),
            overflowed=message.get("overflowed", False),
        )
    for row in engine.table("select * from rule_groups").to_pylist():
        if row["rule_id"] in made:
            made[row["rule_id"]].groups[row["target"]] = Group(
                row["label"], row["seen_at"], row["pending"], row["total"]
            )
    return made


def put_tally(cursor: Cursor, rule_id: int, tally: Tally) -> None:
    """Keep what a rule remembers."""
    message = {
        "opened_at": tally.opened_at.isoformat() if tally.opened_at else None,
        "firsts": tally.firsts,
        "day": tally.day.isoformat() if tally.day else None,
        "sent": tally.sent,
        "overflowed": tally.overflowed,
    }
    cursor.execute(
        "update rules set tally = $tally where rule_id = $id",
        {"id": rule_id, "tally": json.dumps(message)},
    )
    cursor.execute("delete from rule_groups where rule_id = $id", {"id": rule_id})
    if not tally.groups:
        return
    groups = tally.groups.values()
    table = pa.table(
        {
            "target": pa.array(tally.groups, pa.string()),
            "label": pa.array([group.label for group in groups], pa.string()),
            "seen_at": pa.array([group.seen_at for group in groups], pa.timestamp("us")),
            "pending": pa.array([group.pending for group in groups], pa.int64()),
            "total": pa.array([group.total for group in groups], pa.int64()),
        }
    )
    cursor.register("tallied", table)
    cursor.execute(
        "insert into rule_groups select $id, target, label, seen_at, pending, total from tallied",
        {"id": rule_id},
    )
    cursor.unregister("tallied")


def note(cursor: Cursor, rule_id: int, now: dt.datetime, hits: int, messages: int) -> None:
    """Count *hits* and *messages* for the day of *now* (UTC, without zone)."""
    if messages:
        cursor.execute(
            "update rules set last_fired_at = $now where rule_id = $id",
            {"id": rule_id, "now": now},
        )
    counted = {"id": rule_id, "day": now.date(), "hits": hits, "messages": messages}
    if not cursor.execute(
        "update rule_days set hits = hits + $hits, messages = messages + $messages "
        "where rule_id = $id and day = $day returning 1",
        counted,
    ).fetchall():
        cursor.execute("insert into rule_days values ($id, $day, $hits, $messages)", counted)


def unseen(cursor: Cursor, rule_id: int, keys: list[str], now: dt.datetime) -> set[str]:
    """Return those of *keys* that the rule has not been told of before, and remember them."""
    known = {
        row[0]
        for row in cursor.execute(
            "select key from rule_seen where rule_id = $id and list_contains($keys, key)",
            {"id": rule_id, "keys": keys},
        ).fetchall()
    }
    new = set(keys) - known
    for key in sorted(new):
        cursor.execute(
            "insert into rule_seen values ($id, $key, $now)",
            {"id": rule_id, "key": key, "now": now},
        )
    return new


def forget_seen(cursor: Cursor, rule_id: int, key: str) -> None:
    """Let a rule send a new message for *key* when it occurs again."""
    cursor.execute(
        "delete from rule_seen where rule_id = $id and key = $key", {"id": rule_id, "key": key}
    )


def _made(row: dict[str, Any]) -> Rule:
    message = json.loads(row["definition"])
    return replace(
        Rule(**{**message, "destinations": tuple(message["destinations"])}),
        rule_id=row["rule_id"],
        active=row["active"],
        snoozed_until=row["snoozed_until"],
    )


def _moment(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
