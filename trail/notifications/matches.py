"""What meets a rule: new events by target, findings and incidents by their rows, or silence."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trail.core.clock import naive_utc
from trail.core.model import EVENT_COLUMNS
from trail.events import events
from trail.notifications.rate_limit import FIRSTS, Hit, Tally
from trail.notifications.rule import Rule
from trail.storage.database import Engine
from trail.storage.filters import Filter
from trail.storage.where import Selection, literal, select

# One target has one key whatever it is called today.
TARGET = "t.target_type || '|' || coalesce(nullif(t.target_id, ''), t.target_name)"
LABEL = "coalesce(nullif(t.target_name, ''), nullif(t.target_id, ''), '')"
_PERSISTENT = "persistent"


@dataclass(frozen=True, slots=True)
class News:
    """Events kept after `after` and up to `upto`, both in order of keeping (UTC, without zone)."""

    after: dt.datetime
    upto: dt.datetime

    def condition(self) -> str:
        """Return the condition on `events e`, with literal bounds."""
        return f"e.ingested_at > {literal(self.after)} and e.ingested_at <= {literal(self.upto)}"


def of_events(
    engine: Engine, rule: Rule, tally: Tally, news: News, now: dt.datetime, oldest: dt.datetime
) -> list[Hit]:
    """Return the hits of *news*, by target, the earliest first.

    Events from before *oldest* (UTC, without zone) set off nothing: a file of last month is no
    alarm.
    """
    chosen = select(engine, Filter.parse(rule.query), now.replace(tzinfo=dt.UTC))
    rows = engine.table(
        f"select {TARGET} as target, max_by({LABEL}, e.occurred_at) as label, count(*) as n, "
        "min_by(e.event_id, e.occurred_at) as event_id, min_by(e.echo, e.occurred_at) as echo, "
        "min(e.occurred_at) as first_at, "
        "max(e.occurred_at) as last_at "
        f"from events e join targets t using (target_key) where {news.condition()} "
        f"and e.occurred_at >= {literal(oldest)} and {chosen.timed()} "
        "group by all order by first_at, target",
        chosen.params,
    ).to_pylist()
    if rows and rule.threshold > 1:
        inside = _in_window(engine, rule, rows, news, chosen)
    else:
        inside = {row["target"]: row["n"] for row in rows}
    result: list[Hit] = []
    shown = 0
    for row in rows:
        number = counted(rule, tally, row["target"], row["n"], inside.get(row["target"], 0))
        if not number:
            continue
        example: Mapping[str, Any] = {}
        if row["target"] not in tally.groups and shown < FIRSTS:
            one = events.get(engine, row["event_id"], row["first_at"]) or {}
            example = {**{name: one.get(name) for name in EVENT_COLUMNS}, "echo": row["echo"]}
            shown += 1
        result.append(Hit(row["target"], row["label"], number, example))
    return result


def counted(rule: Rule, tally: Tally, target: str, new: int, inside: int) -> int:
    """Return how many hits *new* events of a target are; *inside* is how many its window holds.

    Below the threshold none; those that fill it count with the one that reached it.
    """
    if target in tally.groups or rule.threshold == 1:
        return new
    return inside if inside >= rule.threshold else 0


def of_findings(rule: Rule, rows: Iterable[Mapping[str, Any]]) -> dict[str, Hit]:
    """Return by `finding_id` the hits among *rows*: those whose `score` reaches the rule's."""
    return {
        str(row["finding_id"]): Hit(
            f"finding|{row.get('actor_id')}",
            str(row.get("actor_name") or row.get("actor_email") or row.get("actor_id") or ""),
            1,
            row,
        )
        for row in rows
        if float(row.get("score") or 0) >= rule.score
    }


def of_incidents(rule: Rule, rows: Iterable[Mapping[str, Any]], now: dt.datetime) -> dict[str, Hit]:
    """Return by `incident_id` the hits among *rows*: open, and persistent or open long enough.

    `first_at` may be a time (UTC, without zone) or ISO 8601.
    """
    return {
        str(row["incident_id"]): Hit(
            f"incident|{row.get('target_id')}",
            str(row.get("target_name") or row.get("target_id") or ""),
            1,
            row,
        )
        for row in rows
        if row.get("open")
        and (
            row.get("class") == _PERSISTENT
            or now - _moment(row.get("first_at"), now) >= dt.timedelta(minutes=rule.open_minutes)
        )
    }


def heard(engine: Engine, rule: Rule, now: dt.datetime) -> bool:
    """Return whether the rule's filter chose any event in the last `silent_minutes`."""
    chosen = select(engine, Filter.parse(rule.query), now.replace(tzinfo=dt.UTC))
    start = literal(now - dt.timedelta(minutes=rule.silent_minutes))
    return bool(
        engine.table(
            f"select 1 from events e where e.occurred_at >= {start} and {chosen.where} limit 1",
            chosen.params,
        ).num_rows
    )


def _in_window(
    engine: Engine, rule: Rule, rows: list[dict[str, Any]], news: News, chosen: Selection
) -> dict[str, int]:
    """Return for each target how many events the window that ends with its newest event holds."""
    minutes = f"interval {rule.window_minutes} minute"
    earliest = min(row["first_at"] for row in rows) - dt.timedelta(minutes=rule.window_minutes)
    where = (
        f"e.ingested_at <= {literal(news.upto)} and e.occurred_at >= {literal(earliest)} "
        f"and {chosen.timed()}"
    )
    result = engine.table(
        f"with seen as (select {TARGET} as target, e.occurred_at, e.ingested_at from events e "
        f"join targets t using (target_key) where {where}), "
        "last as (select target, max(occurred_at) as last_at from seen "
        f"where ingested_at > {literal(news.after)} group by target) "
        "select s.target, count(*) as n from seen s join last l using (target) "
        f"where s.occurred_at > l.last_at - {minutes} and s.occurred_at <= l.last_at "
        "group by s.target",
        chosen.params,
    ).to_pylist()
    return {row["target"]: row["n"] for row in result}


def _moment(value: object, now: dt.datetime) -> dt.datetime:
    if isinstance(value, dt.datetime):
        result = value
    else:
        try:
            result = dt.datetime.fromisoformat(str(value))
        except ValueError:
            return now
    return naive_utc(result)
