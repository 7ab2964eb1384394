"""Which rules are enabled, who enabled them, and the reasons that they add to findings."""

import datetime as dt
from collections import defaultdict
from typing import Any

from trail.core.clock import utc_now
from trail.findings import rules
from trail.storage import ledger
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Window
from trail.storage.inside import Inside

_STATES = (
    "select rule, is_on, made_by, made_at from rule_switches "
    "qualify row_number() over (partition by rule order by made_at desc) = 1"
)


def set_enabled(store: Store, name: str, made_by: str, *, on: bool) -> None:
    """Enable or disable the rule *name* for all days from the next refresh.

    Raises `InputError` for an unknown rule.
    """
    rules.rule(name)

    def job(cursor: Cursor) -> None:
        with ledger.changing(cursor, "rule_switches", "rule = $rule", {"rule": name}):
            cursor.execute(
                "insert into rule_switches values ($rule, $on, $by, $now)",
                {"rule": name, "on": on, "by": made_by, "now": utc_now()},
            )

    store.write(job)


def states(engine: Engine) -> list[dict[str, Any]]:
    """Return each rule with `is_on`, `made_by` and `made_at` (UTC; None for the default)."""
    changes = {row["rule"]: row for row in engine.table(_STATES).to_pylist()}
    return [
        {
            "rule": rule,
            "is_on": changes.get(rule.name, {}).get("is_on", rule.enabled),
            "made_by": changes.get(rule.name, {}).get("made_by"),
            "made_at": changes.get(rule.name, {}).get("made_at"),
        }
        for rule in rules.rules()
    ]


def enabled_names(cursor: Cursor) -> set[str]:
    """Return the names of the enabled rules."""
    return {state["rule"].name for state in states(Inside(cursor)) if state["is_on"]}


def rule_reasons(
    cursor: Cursor, since: dt.date, until: dt.date
) -> dict[tuple[dt.date, int], list[dict[str, Any]]]:
    """Return the reasons of the enabled rules without sentences, by day (UTC) and actor key."""
    engine = Inside(cursor)
    window = Window(
        dt.datetime.combine(since, dt.time()),
        dt.datetime.combine(until + dt.timedelta(days=1), dt.time()),
    )
    active = enabled_names(cursor)
    reasons: dict[tuple[dt.date, int], list[dict[str, Any]]] = defaultdict(list)
    for rule in rules.rules():
        if rule.name not in active:
            continue
        sql, params = rules.matching_events(engine, rule, window)
        rows = engine.table(
            "select occurred_at::date as day, actor_key, count(*) as n, "
            "min(occurred_at) as since, max(occurred_at) as upto, "
            "case when min(earlier) = max(earlier) then max(earlier) end as earlier, "
            "list(distinct preceding order by preceding) filter (preceding is not null) as before, "
            f"list(distinct action order by action) as actions from ({sql}) "
            "group by all order by all",
            params,
        ).to_pylist()
        for row in rows:
            earlier = row["earlier"].isoformat() if row["earlier"] else None
            preceding = [
                {**event, "occurred_at": event["occurred_at"].isoformat()}
                for event in row["before"] or ()
            ]
            reasons[row["day"], row["actor_key"]].append(
                {
                    "detector": f"rule:{rule.name}",
                    "points": rule.points,
                    "facts": {"n": row["n"], "earlier": earlier, "preceding": preceding},
                    "actions": row["actions"],
                    "since": row["since"],
                    "upto": row["upto"],
                }
            )
    return reasons
