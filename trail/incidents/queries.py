"""Queries of incidents for the page, the command and the API.

A filter selects attempts; an incident is selected with any of its attempts and then shown whole, so
that a narrower window never makes an outage look smaller. Incidents are brought up to date first.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trail.core.clock import naive_utc, utc_text
from trail.events import names
from trail.events.cursor import Cursor
from trail.incidents.grouping import CLASSES, STORM, TRANSIENT
from trail.incidents.incident import Incident, Recurrence
from trail.incidents.materialize import ATTEMPTS, FAILED, TARGET, catch_up
from trail.storage.database import Engine, Params
from trail.storage.filters import Choice, Filter, Window
from trail.storage.where import literal, select, span

_PAGE_ROWS = 200
# A link with more targets than this is longer than browsers accept.
_MAX_LINK_TARGETS = 50
# What a list of incidents sorts by, besides its own order.
ORDERS = {
    "state": "open",
    "target": "lower(coalesce(nullif(target_name, ''), nullif(target_id, ''), action))",
    "action": "lower(action)",
    "class": "class_",
    "first_at": "first_at",
    "attempts": "attempts",
    "last_at": "last_at",
}
# Success events by the failure that they end. Other jobs report no success.
_SUCCESS_OF = {"Audience Run Failed": "Audience Run Complete"}


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of incidents, in total, open and by class, and of their failed attempts.

    `transient_attempts` counts the attempts of transient incidents, `transient_closed` those of
    these incidents that are closed.
    """

    incidents: int
    open: int
    by_class: dict[str, int]
    attempts: int
    transient_attempts: int
    transient_closed: int


def incidents(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    *,
    classes: tuple[str, ...] = (),
    only_open: bool = False,
    fold: bool = False,
    order: str = "",
    rows: int | None = None,
    skip: int = 0,
) -> list[Incident]:
    """Return the incidents that *filter_* selects at *now* (aware), most urgent first.

    Open before closed, then in the order of `CLASSES`, then latest first. *classes* restricts the
    classes; *fold* leaves out closed transient incidents and puts open ones last; *order*,
    a name of `ORDERS` or one with `-` for descending, comes before that order; *rows* and *skip*
    select a page.
    """
    sql, params = _matching_sql(engine, filter_, now)
    conditions = ["list_contains($classes, class_)"] if classes else []
    conditions += ["open"] if only_open else []
    conditions += [f"(open or class_ <> '{TRANSIENT}')"] if fold else []
    where = f" where {' and '.join(conditions)}" if conditions else ""
    last = f"class_ = '{TRANSIENT}', " if fold else ""
    first = (
        f"{ORDERS[order.removeprefix('-')]} {'desc' if order[0] == '-' else 'asc'}, "
        if order
        else ""
    )
    rank = " ".join(f"when '{name}' then {position}" for position, name in enumerate(CLASSES))
    table = engine.table(
        f"{sql} select * from named{where} "
        f"order by {first}{last}open desc, case class_ {rank} end, last_at desc, incident_id "
        + (f"limit {int(rows)} offset {int(skip)}" if rows is not None else ""),
        {**params, **({"classes": list(classes)} if classes else {})},
    )
    return [Incident(**row) for row in table.to_pylist()]


def incident(engine: Engine, incident_id: str, now: dt.datetime) -> Incident | None:
    """Return the incident with that id, or None."""
    catch_up(engine)
    sql = _incidents_sql("select $id as shown", now, _success_join(engine))
    rows = engine.table(f"{sql} select * from named", {"id": incident_id}).to_pylist()
    return Incident(**rows[0]) if rows else None


def incident_of(engine: Engine, event: Mapping[str, Any], now: dt.datetime) -> Incident | None:
    """Return the incident that the failed *event* is an attempt of, or None."""
    catch_up(engine)
    matching = (
        "select coalesce(i.storm_id, i.incident_id) as shown from attempts a "
        "join incidents i using (incident_id) where a.event_id = $id "
        f"and a.occurred_at = {literal(event['occurred_at'])}"
    )
    sql = _incidents_sql(matching, now, _success_join(engine))
    rows = engine.table(f"{sql} select * from named", {"id": event["event_id"]}).to_pylist()
    return Incident(**rows[0]) if rows else None


def beginning_in(
    engine: Engine, window: Window, now: dt.datetime, target: str, rows: int
) -> list[Incident]:
    """Return at most *rows* incidents that began in *window*: of *target* first, then oldest first.

    *target* is an `Incident.target`.
    """
    catch_up(engine)
    began = span(window, "first_at")
    matching = (
        f"select distinct coalesce(storm_id, incident_id) as shown from incidents where {began}"
    )
    sql = _incidents_sql(matching, now, _success_join(engine))
    table = engine.table(
        f"{sql} select * from named where {began} "
        f"order by target <> $target, first_at, incident_id limit {int(rows)}",
        {"target": target},
    )
    return [Incident(**row) for row in table.to_pylist()]


def summary(engine: Engine, filter_: Filter, now: dt.datetime) -> Summary:
    """Return the counts of the incidents that *filter_* selects at *now* (aware)."""
    sql, params = _matching_sql(engine, filter_, now)
    rows = engine.table(
        f"{sql} select class_, count(*) as n, count(*) filter (open) as open, "
        "sum(attempts)::bigint as attempts from named group by class_",
        params,
    ).to_pylist()
    by_class = {name: sum(row["n"] for row in rows if row["class_"] == name) for name in CLASSES}
    transient = [row for row in rows if row["class_"] == TRANSIENT]
    return Summary(
        sum(by_class.values()),
        sum(row["open"] for row in rows),
        by_class,
        sum(row["attempts"] for row in rows),
        sum(row["attempts"] for row in transient),
        sum(row["n"] - row["open"] for row in transient),
    )


def attempts(
    engine: Engine,
    incident: Incident,
    *,
    after: Cursor | None = None,
    rows: int = _PAGE_ROWS,
) -> list[dict[str, Any]]:
    """Return the attempts of one incident by time, with all `LISTED` columns and `run`.

    *after* is the last row of the previous page. `run` numbers the runs within their target.
    """
    window = Window(incident.first_at, incident.last_at + dt.timedelta(microseconds=1))
    params: Params = {"id": incident.incident_id, "rows": rows}
    later = ""
    if after:
        at = literal(after.occurred_at)
        later = f" and e.occurred_at >= {at} and (e.occurred_at > {at} or e.event_id > $after)"
        params["after"] = after.event_id
    star = (
        f"select {names.STAR}, m.run from events e join "
        "(select event_id, run from attempts where incident_id in ("
        "select incident_id from incidents where coalesce(storm_id, incident_id) = $id)) m "
        f"using (event_id) where {span(window, 'e.occurred_at')}{later} "
        "order by e.occurred_at, e.event_id limit $rows"
    )
    table = engine.table(
        f"{names.join_names(star, ', run')} order by occurred_at, event_id", params
    )
    return list(table.to_pylist())


def attempt_ids(engine: Engine, incidents: Sequence[Incident]) -> dict[str, list[str]]:
    """Return by incident id the event ids of all attempts, in order of time."""
    table = engine.table(
        "with wanted as (select unnest($ids::varchar[]) as shown), mine as ("
        "select incident_id, coalesce(storm_id, incident_id) as shown from incidents) "
        "select shown as incident_id, "
        "list(a.event_id order by a.occurred_at, a.event_id) as event_ids "
        "from attempts a join mine using (incident_id) join wanted using (shown) group by shown",
        {"ids": [incident.incident_id for incident in incidents]},
    )
    return dict(zip(table["incident_id"].to_pylist(), table["event_ids"].to_pylist(), strict=True))


def recurrence(engine: Engine, incident: Incident) -> Recurrence:
    """Return how often this action fails on this target, over all stored events."""
    row = engine.table(
        "with mine as (select target, count(*) as n, sum(attempts)::bigint as attempts, "
        "min(first_at) as first, max(first_at) as last, "
        "median(epoch(last_at - first_at)) as duration_s from incidents where action = $action "
        "group by target), trail as (select epoch(max(hour) - min(hour)) / 86400 as days from cube)"
        "select m.*, (select median(n) from mine) as peer_median, "
        "(select sum(attempts)::bigint from mine) as all_attempts, greatest(days, 1) as days, "
        "epoch(last - first) as span_s from mine m, trail where target = $target",
        {"action": incident.action, "target": incident.target},
    ).to_pylist()[0]
    month = 30 / row["days"]
    return Recurrence(
        days=row["days"],
        incidents=row["n"],
        attempts=row["attempts"],
        per_30d=row["n"] * month,
        peer_median_per_30d=row["peer_median"] * month,
        mean_interval_s=row["span_s"] / (row["n"] - 1) if row["n"] > 1 else None,
        median_duration_s=row["duration_s"],
        share=row["attempts"] / row["all_attempts"],
    )


def attempts_filter(engine: Engine, filter_: Filter, incident: Incident) -> Filter:
    """Return the filter with which Explore lists the attempts of *incident*.

    A storm of more targets than fit into a URL is filtered by action and time only.
    """
    end = incident.last_at + dt.timedelta(milliseconds=1)
    choices = {"action": Choice((incident.action,))}
    ids = [incident.target_id or incident.target_name]
    if incident.class_ == STORM:
        ids = engine.table(
            "select distinct coalesce(nullif(t.target_id, ''), t.target_name) as id "
            "from incidents i join targets t using (target_key) where i.storm_id = $id order by id",
            {"id": incident.incident_id},
        )["id"].to_pylist()
    if len(ids) <= _MAX_LINK_TARGETS and any(ids):
        choices["target"] = Choice(tuple(ids))
    return replace(
        filter_.cleared(),
        start=utc_text(incident.first_at),
        end=utc_text(end),
        choices=choices,
    )


def _matching_sql(engine: Engine, filter_: Filter, now: dt.datetime) -> tuple[str, Params]:
    """Return the WITH clause of `_folded` for what *filter_* selects, and its parameters."""
    catch_up(engine)
    selection = select(engine, filter_, now)
    where = selection.timed()
    if filter_.q:
        # The search reads the raw record, which only `events` has.
        where = (
            f"e.event_id in (select e.event_id from events e where {where} and e.action_key in "
            f"(select action_key from actions where {FAILED}))"
        )
    matching = (
        "select distinct coalesce(storm_id, incident_id) as shown from incidents "
        f"where incident_id in (select e.incident_id from {ATTEMPTS} e where {where})"
    )
    return _incidents_sql(matching, now, _success_join(engine)), selection.params


_FIRST_COLUMNS = ("action", "target", "action_key", "target_key", "first_event_id")


def _incidents_sql(matching: str, now: dt.datetime, success_join: str) -> str:
    """Return a WITH clause whose `named` has the fields of `Incident`; a storm is one row."""
    columns = ", ".join(_FIRST_COLUMNS)
    first_columns = ", ".join(
        f"first({name} order by first_at, incident_id)" for name in _FIRST_COLUMNS
    )
    moment = literal(naive_utc(now))
    return f"""
with matching as ({matching}), folded as (
 select incident_id, class as class_, {columns}, 1 as targets, first_at, last_at, gap_s,
  last_at + to_seconds(gap_s) as closes_at, attempts, runs, exhausted, beat_s
 from incidents where storm_id is null and incident_id in (select shown from matching)
 union all
 select storm_id, '{STORM}', {first_columns}, count(*), min(first_at), max(last_at), max(gap_s),
  max(last_at + to_seconds(gap_s)), sum(attempts), sum(runs), sum(exhausted), null
 from incidents where storm_id in (select shown from matching) group by storm_id
), ended as (
 select f.*, {"c.occurred_at" if success_join else "null::timestamp"} as completed_at
 from folded f {success_join}
), named as (
 select f.incident_id, f.class_, closes_at >= {moment} and completed_at is null as open, f.action,
  a.category, f.target, t.target_type, t.target_id, t.target_name, f.targets, f.first_event_id,
  f.first_at, f.last_at, f.closes_at, f.gap_s, f.attempts::bigint as attempts,
  f.runs::bigint as runs, f.exhausted::bigint as exhausted, f.beat_s as cadence_s, f.completed_at
 from ended f join actions a using (action_key) join targets t using (target_key)
)"""


def _success_join(engine: Engine) -> str:
    """Return the join to the next success after each incident; empty without success events."""
    names = ", ".join(f"'{name}'" for name in _SUCCESS_OF.values())
    actions = engine.table(f"select action_key from actions where action in ({names})")
    if not actions.num_rows:
        return ""
    keys = ", ".join(map(str, actions["action_key"].to_pylist()))
    fails = " ".join(f"when '{done}' then '{fails}'" for fails, done in _SUCCESS_OF.items())
    return (
        f"asof left join (select case a.action {fails} end as action, {TARGET} as target, "
        "e.occurred_at from trusted_events e join actions a using (action_key) "
        f"join targets t using (target_key) where e.action_key in ({keys})) c "
        f"on c.action = f.action and c.target = f.target and f.class_ <> '{STORM}' "
        "and f.last_at < c.occurred_at"
    )
