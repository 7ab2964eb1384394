"""Storage of alert rules, their rate limit state, seen keys and daily counts."""

import contextlib
import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.notifications.rate_limit import RateLimitState, TargetState
from trail.notifications.rule import Rule
from trail.storage import ledger, query_pairs
from trail.storage.connection import Cursor
from trail.storage.engine import Engine


def save(cursor: Cursor, rule: Rule, by: str) -> int:
    """Insert or update *rule* and return its ID.

    Raises `InputError` for invalid values, a name in use, and a rule that no longer exists.
    """
    rule.check()
    if cursor.execute(
        "select 1 from rules where lower(name) = lower($name) and rule_id <> $id",
        {"name": rule.name, "id": rule.rule_id},
    ).fetchall():
        raise InputError(f"A rule named {rule.name!r} already exists.", "Choose another name.")
    number = rule.rule_id
    definition = {**rule.definition(), "query": query_pairs.to_keep(rule.query)}
    values = {"name": rule.name, "definition": json.dumps(definition), "active": rule.active}
    if number:
        with _recorded(cursor, number):
            updated = cursor.execute(
                "update rules set name = $name, definition = $definition, active = $active, "
                "edited_by = $by, edited_at = $now where rule_id = $id returning 1",
                {**values, "id": number, "by": by, "now": utc_now()},
            ).fetchall()
        if not updated:
            raise InputError("Rule not found.", "It has been deleted. Save it as a new rule.")
        return number
    number = int(cursor.execute("select nextval('rule_ids')").fetchall()[0][0])
    with _recorded(cursor, number):
        cursor.execute(
            "insert into rules values "
            "($id, $name, $definition, $active, null, $by, $now, null, '{}', null, null)",
            {**values, "id": number, "by": by, "now": utc_now()},
        )
    return number


def _recorded(cursor: Cursor, rule_id: int) -> contextlib.AbstractContextManager[None]:
    return ledger.changing(cursor, "rules", "rule_id = $id", {"id": rule_id})


def remove(cursor: Cursor, rule_id: int) -> None:
    """Delete a rule and its state; its deliveries stay in the log."""
    with _recorded(cursor, rule_id):
        for table in ("rules", "rule_groups", "rule_days", "rule_seen"):
            cursor.execute(f"delete from {table} where rule_id = $id", {"id": rule_id})


def set_active(cursor: Cursor, rule_id: int, by: str, *, active: bool) -> None:
    """Switch a rule on or off; events that arrive while it is off are never evaluated."""
    with _recorded(cursor, rule_id):
        cursor.execute(
            "update rules set active = $active, edited_by = $by, edited_at = $now "
            "where rule_id = $id",
            {"id": rule_id, "active": active, "by": by, "now": utc_now()},
        )


def snooze(cursor: Cursor, rule_id: int, until: dt.datetime | None) -> None:
    """Silence a rule until a time (naive UTC); None ends the snooze.

    Matches are counted meanwhile and reported in one message at the end.
    """
    with _recorded(cursor, rule_id):
        cursor.execute(
            "update rules set snoozed_until = $until where rule_id = $id",
            {"id": rule_id, "until": until},
        )


def list_all(engine: Engine) -> list[Rule]:
    """Return all rules, ordered by name."""
    result = engine.table(
        "select rule_id, definition, active, snoozed_until from rules order by lower(name)"
    )
    return [_from_row(row) for row in result.to_pylist()]


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who created a rule and who last changed it, with times (naive UTC); snoozes do not count.

    `edited_by` and `edited_at` are None if nobody did, or only an earlier version, which did not
    store it.
    """

    made_by: str
    made_at: dt.datetime
    edited_by: str | None
    edited_at: dt.datetime | None


def authorships(engine: Engine) -> dict[int, Authorship]:
    """Return who made and changed each rule, by rule ID."""
    rows = engine.table(
        "select rule_id, made_by, made_at, edited_by, edited_at from rules"
    ).to_pylist()
    return {row.pop("rule_id"): Authorship(**row) for row in rows}


def histories(engine: Engine, days: int, today: dt.date) -> dict[int, dict[str, Any]]:
    """Return `last_fired_at` (UTC) and `days` by rule ID.

    `days` contains (UTC day, matches, messages) for the last *days* days up to *today*, oldest
    first, including days without matches.
    """
    first = today - dt.timedelta(days=days - 1)
    span = [first + dt.timedelta(days=n) for n in range(days)]
    counts: dict[tuple[int, dt.date], tuple[int, int]] = {
        (row["rule_id"], row["day"]): (row["hits"], row["messages"])
        for row in engine.table(
            "select * from rule_days where day >= $first", {"first": first}
        ).to_pylist()
    }
    return {
        row["rule_id"]: {
            "last_fired_at": row["last_fired_at"],
            "days": [(day, *counts.get((row["rule_id"], day), (0, 0))) for day in span],
        }
        for row in engine.table("select rule_id, last_fired_at from rules").to_pylist()
    }


def rate_limit_states(engine: Engine) -> dict[int, RateLimitState]:
    """Return the rate limit state of every rule, by rule ID."""
    states: dict[int, RateLimitState] = {}
    for row in engine.table("select rule_id, tally from rules").to_pylist():
        values = json.loads(row["tally"])
        states[row["rule_id"]] = RateLimitState(
            opened_at=_parse_timestamp(values.get("opened_at")),
            firsts=values.get("firsts", 0),
            day=dt.date.fromisoformat(values["day"]) if values.get("day") else None,
            sent=values.get("sent", 0),
            overflowed=values.get("overflowed", False),
            held=values.get("held", 0),
            held_by=values.get("held_by", ""),
        )
    for row in engine.table("select * from rule_groups").to_pylist():
        if row["rule_id"] in states:
            states[row["rule_id"]].targets[row["target"]] = TargetState(
                row["label"], row["seen_at"], row["pending"], row["total"]
            )
    return states


def save_rate_limit_state(cursor: Cursor, rule_id: int, state: RateLimitState) -> None:
    """Store the rate limit state of a rule."""
    values = {
        "opened_at": state.opened_at.isoformat() if state.opened_at else None,
        "firsts": state.firsts,
        "day": state.day.isoformat() if state.day else None,
        "sent": state.sent,
        "overflowed": state.overflowed,
        "held": state.held,
        "held_by": state.held_by,
    }
    cursor.execute(
        "update rules set tally = $tally where rule_id = $id",
        {"id": rule_id, "tally": json.dumps(values)},
    )
    cursor.execute("delete from rule_groups where rule_id = $id", {"id": rule_id})
    if not state.targets:
        return
    targets = state.targets.values()
    table = pa.table(
        {
            "target": pa.array(state.targets, pa.string()),
            "label": pa.array([group.label for group in targets], pa.string()),
            "seen_at": pa.array([group.seen_at for group in targets], pa.timestamp("us")),
            "pending": pa.array([group.pending for group in targets], pa.int64()),
            "total": pa.array([group.total for group in targets], pa.int64()),
        }
    )
    cursor.register("tallied", table)
    cursor.execute(
        "insert into rule_groups select $id, target, label, seen_at, pending, total from tallied",
        {"id": rule_id},
    )
    cursor.unregister("tallied")


def record_counts(
    cursor: Cursor, rule_id: int, now: dt.datetime, matches: int, messages: int
) -> None:
    """Add *matches* and *messages* to the counts of the day of *now* (naive UTC)."""
    if messages:
        cursor.execute(
            "update rules set last_fired_at = $now where rule_id = $id",
            {"id": rule_id, "now": now},
        )
    counts = {"id": rule_id, "day": now.date(), "hits": matches, "messages": messages}
    if not cursor.execute(
        "update rule_days set hits = hits + $hits, messages = messages + $messages "
        "where rule_id = $id and day = $day returning 1",
        counts,
    ).fetchall():
        cursor.execute("insert into rule_days values ($id, $day, $hits, $messages)", counts)


def mark_seen(cursor: Cursor, rule_id: int, keys: list[str], now: dt.datetime) -> set[str]:
    """Return those of *keys* that are new to the rule, and store them as seen."""
    seen = {
        row[0]
        for row in cursor.execute(
            "select key from rule_seen where rule_id = $id and list_contains($keys, key)",
            {"id": rule_id, "keys": keys},
        ).fetchall()
    }
    new = set(keys) - seen
    for key in sorted(new):
        cursor.execute(
            "insert into rule_seen values ($id, $key, $now)",
            {"id": rule_id, "key": key, "now": now},
        )
    return new


def seen_keys(engine: Engine, rule_id: int) -> list[str]:
    """Return the keys that the rule has seen, in order."""
    table = engine.table(
        "select key from rule_seen where rule_id = $id order by key", {"id": rule_id}
    )
    return list(table["key"].to_pylist())


def clear_seen(cursor: Cursor, rule_id: int, key: str) -> None:
    """Delete a seen key, so that the rule reports its next occurrence."""
    cursor.execute(
        "delete from rule_seen where rule_id = $id and key = $key", {"id": rule_id, "key": key}
    )


def _from_row(row: dict[str, Any]) -> Rule:
    values = json.loads(row["definition"])
    values["query"] = query_pairs.from_kept(values.get("query", ""))
    # As in parsed files, so that 90 and 90.0 compare as equal text.
    values["score"] = float(values.get("score", 0))
    return replace(
        Rule(**{**values, "destinations": tuple(values["destinations"])}),
        rule_id=row["rule_id"],
        active=row["active"],
        snoozed_until=row["snoozed_until"],
    )


def _parse_timestamp(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
