"""Find what matches a rule: new events by target, rows of findings or incidents, or silence."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trail.core import event_text
from trail.core.clock import naive_utc
from trail.events import events
from trail.events.names import MESSAGE_COLUMNS
from trail.notifications.rate_limit import FIRST_MESSAGES, Match, RateLimitState
from trail.notifications.rule import Rule
from trail.storage.database import Engine, Params
from trail.storage.event_flags import AHEAD
from trail.storage.filters import Filter
from trail.storage.where import Selection, literal, select

# The key of a target does not change when the target is renamed.
TARGET = "t.target_type || '|' || coalesce(nullif(t.target_id, ''), t.target_name)"
LABEL = "coalesce(nullif(t.target_name, ''), nullif(t.target_id, ''), '')"
_PERSISTENT = "persistent"


@dataclass(frozen=True, slots=True)
class NewEvents:
    """Events that can be trusted since `after`, up to and including `upto` (naive UTC).

    Those are events with such an `ingested_at`, and earlier ones (*proven*) that arrived unverified
    and that a record with such an `ingested_at` has proven.
    """

    after: dt.datetime
    upto: dt.datetime
    proven: tuple[str, ...] = ()

    @classmethod
    def find(cls, engine: Engine, after: dt.datetime, upto: dt.datetime) -> "NewEvents":
        """Return the new events between two times."""
        between = f"ingested_at > {literal(after)} and ingested_at <= {literal(upto)}"
        rows = engine.table(
            "select event_id from events where verified = false and event_id in "
            f"(select twin_of from twins where {between} and verified is distinct from false)"
        )
        return cls(after, upto, tuple(rows["event_id"].to_pylist()))

    def condition(self, alias: str = "e") -> str:
        """Return the condition on `events e`, with literal bounds and the parameters `params`."""
        time = f"{alias}.ingested_at"
        arrived = f"{time} > {literal(self.after)} and {time} <= {literal(self.upto)}"
        if not self.proven:
            # Those are proven by a record that arrives later; see `find`.
            return f"{arrived} and {alias}.verified is distinct from false"
        return (
            f"({arrived} and {alias}.verified is distinct from false "
            f"or list_contains($proven, {alias}.event_id))"
        )

    @property
    def params(self) -> Params:
        """Return the parameters of `condition`."""
        return {"proven": list(self.proven)} if self.proven else {}


def match_events(
    engine: Engine,
    rule: Rule,
    state: RateLimitState,
    new_events: NewEvents,
    now: dt.datetime,
    oldest: dt.datetime,
) -> list[Match]:
    """Return the matches among *new_events*, one per target, earliest first.

    Events before *oldest* (naive UTC) do not match, so that importing old files sends no alerts.
    """
    # A relative range ends now, but the clock of a source may be a little ahead.
    selection = select(engine, Filter.parse(rule.query), now.replace(tzinfo=dt.UTC) + AHEAD)
    rows = engine.table(
        f"select {TARGET} as target, max_by({LABEL}, e.occurred_at) as label, count(*) as n, "
        "min_by(e.event_id, e.occurred_at) as event_id, min_by(e.echo, e.occurred_at) as echo, "
        "min(e.occurred_at) as first_at, "
        "max(e.occurred_at) as last_at "
        f"from trusted_events e join targets t using (target_key) where {new_events.condition()} "
        f"and e.occurred_at >= {literal(oldest)} and {selection.timed()} "
        "group by all order by first_at, target",
        {**selection.params, **new_events.params},
    ).to_pylist()
    if rows and rule.threshold > 1:
        in_window = _count_in_window(engine, rule, rows, new_events, selection)
    else:
        in_window = {row["target"]: row["n"] for row in rows}
    result: list[Match] = []
    examples = 0
    for row in rows:
        count = count_matches(rule, state, row["target"], row["n"], in_window.get(row["target"], 0))
        if not count:
            continue
        example: Mapping[str, Any] = {}
        if row["target"] not in state.targets and examples < FIRST_MESSAGES:
            event = events.get(engine, row["event_id"], row["first_at"]) or {}
            example = {**{name: event.get(name) for name in MESSAGE_COLUMNS}, "echo": row["echo"]}
            examples += 1
        result.append(Match(row["target"], row["label"], count, example))
    return result


def count_matches(rule: Rule, state: RateLimitState, target: str, new: int, in_window: int) -> int:
    """Return the matches of *new* events of a target; *in_window* is the count in its window.

    None match below the threshold. When it is reached, the whole window counts.
    """
    if target in state.targets or rule.threshold == 1:
        return new
    return in_window if in_window >= rule.threshold else 0


def match_findings(rule: Rule, rows: Iterable[Mapping[str, Any]]) -> dict[str, Match]:
    """Return the matches by `finding_id`: rows whose `score` is at least the rule's."""
    return {
        str(row["finding_id"]): Match(
            f"finding|{row.get('actor_id')}",
            event_text.actor(row),
            1,
            row,
        )
        for row in rows
        if float(row.get("score") or 0) >= rule.score
    }


def match_incidents(
    rule: Rule, rows: Iterable[Mapping[str, Any]], now: dt.datetime
) -> dict[str, Match]:
    """Return the matches by `incident_id`: open, and persistent or open long enough.

    `first_at` and `known_until` are naive UTC or ISO 8601. An incident of unknown state was open
    until the latter.
    """
    return {
        str(row["incident_id"]): Match(
            f"incident|{row.get('target_id')}",
            str(row.get("target_name") or row.get("target_id") or ""),
            1,
            row,
        )
        for row in rows
        if row.get("open")
        and (
            row.get("class") == _PERSISTENT
            or _known_until(row, now) - _parse_timestamp(row.get("first_at"), now)
            >= dt.timedelta(minutes=rule.open_minutes)
        )
    }


def has_recent_event(engine: Engine, rule: Rule, now: dt.datetime) -> bool:
    """Return whether any event of the last `silent_minutes` matches the rule's filter."""
    selection = select(engine, Filter.parse(rule.query), now.replace(tzinfo=dt.UTC))
    start = literal(now - dt.timedelta(minutes=rule.silent_minutes))
    return bool(
        engine.table(
            f"select 1 from trusted_events e where e.occurred_at >= {start} "
            f"and {selection.where} limit 1",
            selection.params,
        ).num_rows
    )


def _count_in_window(
    engine: Engine,
    rule: Rule,
    rows: list[dict[str, Any]],
    new_events: NewEvents,
    selection: Selection,
) -> dict[str, int]:
    """Return the number of events by target in the window that ends with its newest event."""
    minutes = f"interval {rule.window_minutes} minute"
    earliest = min(row["first_at"] for row in rows) - dt.timedelta(minutes=rule.window_minutes)
    where = (
        f"e.ingested_at <= {literal(new_events.upto)} and e.occurred_at >= {literal(earliest)} "
        f"and {selection.timed()}"
    )
    result = engine.table(
        f"with seen as (select {TARGET} as target, e.occurred_at, e.ingested_at, e.event_id, "
        "e.verified from trusted_events e "
        f"join targets t using (target_key) where {where}), "
        "last as (select target, max(occurred_at) as last_at from seen "
        f"where {new_events.condition('seen')} group by target) "
        "select s.target, count(*) as n from seen s join last l using (target) "
        f"where s.occurred_at > l.last_at - {minutes} and s.occurred_at <= l.last_at "
        "group by s.target",
        {**selection.params, **new_events.params},
    ).to_pylist()
    return {row["target"]: row["n"] for row in result}


def _known_until(row: Mapping[str, Any], now: dt.datetime) -> dt.datetime:
    return _parse_timestamp(row.get("known_until"), now) if row.get("state") == "unknown" else now


def _parse_timestamp(value: object, now: dt.datetime) -> dt.datetime:
    if isinstance(value, dt.datetime):
        result = value
    else:
        try:
            result = dt.datetime.fromisoformat(str(value))
        except ValueError:
            return now
    return naive_utc(result)
