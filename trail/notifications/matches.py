"""Find what matches a rule: new events by target, rows of findings or incidents, or silence."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from trail.core import event_text
from trail.core.clock import naive_utc
from trail.core.errors import UnavailableError
from trail.events import events
from trail.events.actor_names import DISPLAY_P
from trail.events.names import MESSAGE_COLUMNS
from trail.notifications.rate_limit import FIRST_MESSAGES, Match, RateLimitState
from trail.notifications.rule import Rule
from trail.storage import tiers, timezones
from trail.storage.duckdb import Store
from trail.storage.engine import Engine, Params
from trail.storage.event_flags import AHEAD, TRUSTED
from trail.storage.filters import Filter, Window
from trail.storage.where import Selection, literal, select, span

_PERSISTENT = "persistent"


@dataclass(frozen=True, slots=True)
class Group:
    """SQL over `events e`: the grouping of a rule's matches, with its label and tables."""

    key: str
    label: str
    join: str


# The key of a target does not change when the target is renamed.
_TARGET = Group(
    "t.target_type || '|' || coalesce(nullif(t.target_id, ''), t.target_name)",
    "coalesce(nullif(t.target_name, ''), nullif(t.target_id, ''), '')",
    "join targets t using (target_key)",
)
_ACTOR = Group("'actor|' || p.actor_id", DISPLAY_P, "join actors p using (actor_key)")
ACTOR_PREFIX = "actor|"


# Number of days for which offsets of a rule's zone are computed.
_OFFSET_DAYS = 4_000


def selection(engine: Engine, rule: Rule, now: dt.datetime) -> Selection:
    """Return the condition on `events e` of *rule*, a rule about events, at *now* (aware, UTC)."""
    selected = select(engine, Filter.parse(rule.query), now)
    if not rule.outside:
        return selected
    end = naive_utc(now)
    window = Window(end - dt.timedelta(days=_OFFSET_DAYS), end)
    local = timezones.local("e.occurred_at", ZoneInfo(rule.zone), window)
    first, last = rule.outside.split("-")
    inside = (
        f"isodow({local}) < 6 and {local}::time >= time '{first}' and {local}::time < time '{last}'"
    )
    return replace(selected, where=f"({selected.where}) and not ({inside})")


def group_of(rule: Rule) -> Group:
    """Return what the matches of *rule* are grouped by."""
    return _ACTOR if rule.groups_by_actor else _TARGET


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


def key_of(rule: Rule, event: Mapping[str, Any]) -> str:
    """Return the group key of *event*, equal to that of `group_of` in SQL."""
    if rule.groups_by_actor:
        return f"{ACTOR_PREFIX}{event.get('actor_id') or ''}"
    named = event.get("target_id") or event.get("target_name") or ""
    return f"{event.get('target_type') or ''}|{named}"


def truncated(at: dt.datetime, unit: str) -> dt.datetime:
    """Return the start of the minute or hour of *at*."""
    at = at.replace(second=0, microsecond=0)
    return at if unit == "minute" else at.replace(minute=0)


def match_events(
    engine: Engine,
    rule: Rule,
    state: RateLimitState,
    new_events: NewEvents,
    now: dt.datetime,
    oldest: dt.datetime,
) -> list[Match]:
    """Return the matches among *new_events*, one per target or actor, earliest first.

    Matches of a `new_actor` rule are by actors without earlier events. Events before *oldest*
    (naive UTC) do not match, so that importing old files sends no alerts.
    """
    # A relative range ends now, but the clock of a source may be a little ahead.
    selected = selection(engine, rule, now.replace(tzinfo=dt.UTC) + AHEAD)
    group = group_of(rule)
    rows = engine.table(
        f"select {group.key} as target, max_by({group.label}, e.occurred_at) as label, "
        "count(*) as n, "
        "min_by(e.event_id, e.occurred_at) as event_id, min_by(e.echo, e.occurred_at) as echo, "
        "min(e.occurred_at) as first_at, "
        "max(e.occurred_at) as last_at "
        f"from trusted_events e {group.join} where {new_events.condition()} "
        f"and e.occurred_at >= {literal(oldest)} and {selected.timed()} "
        "group by all order by first_at, target",
        {**selected.params, **new_events.params},
    ).to_pylist()
    if rule.kind == "new_actor":
        rows = _without_earlier_event(engine, rows)
    if rows and rule.kind == "events" and rule.threshold > 1:
        in_window = _count_in_window(engine, rule, rows, new_events, selected)
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


def known_actors(engine: Engine, times: Mapping[str, dt.datetime]) -> set[str]:
    """Return the actors, by ID, with an event before their time (naive UTC) in *times*.

    The hourly counts of both tiers say so, without reading archived days. Events are read only
    where an actor's first hour is that of its time.
    """
    counts = tiers.both(engine) if isinstance(engine, Store) else engine
    rows = counts.table(
        "select p.actor_id, min(c.hour) as hour from actor_cube c join actors p using (actor_key) "
        f"where list_contains($ids, p.actor_id) and {TRUSTED} group by all",
        {"ids": sorted(times)},
    ).to_pylist()
    known = {
        row["actor_id"] for row in rows if row["hour"] < truncated(times[row["actor_id"]], "hour")
    }
    unsure = {
        actor: at
        for actor, at in times.items()
        if actor not in known and at > truncated(at, "hour")
    }
    if not unsure:
        return known
    window = Window(truncated(min(unsure.values()), "hour"), max(unsure.values()))
    rows = _rows_of_window(
        engine,
        window,
        "select p.actor_id, min(e.occurred_at) as first_at from trusted_events e "
        f"join actors p using (actor_key) where {span(window, 'e.occurred_at')} "
        "and list_contains($ids, p.actor_id) group by all",
        {"ids": sorted(unsure)},
    )
    return known | {row["actor_id"] for row in rows if row["first_at"] < unsure[row["actor_id"]]}


def _rows_of_window(
    engine: Engine, window: Window, sql: str, params: Params
) -> list[dict[str, Any]]:
    """Return the rows of *sql*, about events of *window*, from the tiers that it touches.

    While the archive cannot be read, they are those of the database: an alert must not be lost.
    """
    reader = tiers.of_window(engine, window)
    try:
        rows: list[dict[str, Any]] = reader.table(sql, params).to_pylist()
    except UnavailableError:
        if reader is engine:
            raise
        rows = engine.table(sql, params).to_pylist()
    return rows


def _without_earlier_event(engine: Engine, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the *rows* of actors whose very first event is the first event of the row."""
    times = {row["target"].removeprefix(ACTOR_PREFIX): row["first_at"] for row in rows}
    known = known_actors(engine, times) if times else set()
    return [row for row in rows if row["target"].removeprefix(ACTOR_PREFIX) not in known]


def count_matches(rule: Rule, state: RateLimitState, target: str, new: int, in_window: int) -> int:
    """Return the matches of *new* events of a target; *in_window* is the count in its window.

    None match below the threshold. When it is reached, the whole window counts.
    """
    if target in state.targets or rule.kind != "events" or rule.threshold == 1:
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


def silence_text(rule: Rule) -> str:
    """Return the text of a message about silence."""
    return f"No matching event for {rule.silent_minutes:,} minutes."


def has_recent_event(engine: Engine, rule: Rule, now: dt.datetime) -> bool:
    """Return whether any event of the last `silent_minutes` matches the rule's filter.

    Archived days are read only if no later event does; raises `UnavailableError` if one cannot be.
    """
    window = Window(now - dt.timedelta(minutes=rule.silent_minutes))
    if _has_event(engine, rule, window, now):
        return True
    reader = tiers.of_window(engine, window)
    if reader is engine:
        return False
    tiers.require_whole(reader, window, "The rule is evaluated again every minute.")
    return _has_event(reader, rule, window, now)


def _has_event(engine: Engine, rule: Rule, window: Window, now: dt.datetime) -> bool:
    selection = select(engine, Filter.parse(rule.query), now.replace(tzinfo=dt.UTC))
    return bool(
        engine.table(
            f"select 1 from trusted_events e where {span(window, 'e.occurred_at')} "
            f"and {selection.where} limit 1",
            selection.params,
        ).num_rows
    )


def _count_in_window(
    engine: Engine,
    rule: Rule,
    rows: list[dict[str, Any]],
    new_events: NewEvents,
    selected: Selection,
) -> dict[str, int]:
    """Return the number of events by group in the window that ends with its newest event."""
    minutes = f"interval {rule.window_minutes} minute"
    earliest = min(row["first_at"] for row in rows) - dt.timedelta(minutes=rule.window_minutes)
    where = (
        f"e.ingested_at <= {literal(new_events.upto)} and e.occurred_at >= {literal(earliest)} "
        f"and {selected.timed()}"
    )
    group = group_of(rule)
    result = _rows_of_window(
        engine,
        Window(earliest),
        f"with seen as (select {group.key} as target, e.occurred_at, e.ingested_at, e.event_id, "
        f"e.verified from trusted_events e {group.join} where {where}), "
        "last as (select target, max(occurred_at) as last_at from seen "
        f"where {new_events.condition('seen')} group by target) "
        "select s.target, count(*) as n from seen s join last l using (target) "
        f"where s.occurred_at > l.last_at - {minutes} and s.occurred_at <= l.last_at "
        "group by s.target",
        {**selected.params, **new_events.params},
    )
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
