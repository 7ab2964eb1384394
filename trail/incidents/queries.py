"""Queries of incidents for the page, the command and the API.

A filter selects attempts; an incident is selected with any of its attempts and then shown whole, so
that a narrower window never makes an outage look smaller. Incidents are brought up to date first.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trail.core.clock import shifted, utc_text
from trail.events import counts, names
from trail.events.cursor import Cursor
from trail.incidents import cause_score, shown
from trail.incidents.grouping import CLASSES, STORM, TRANSIENT
from trail.incidents.incident import ORDERS, UNKNOWN, Incident, Recurrence
from trail.incidents.incident_sql import incidents_sql, matching_sql
from trail.incidents.materialize import catch_up
from trail.storage.engine import Engine, Params
from trail.storage.filters import NO, YES, Choice, Filter, Window
from trail.storage.where import literal, span

_PAGE_ROWS = 200
# The group of an incident, as SQL.
_GROUP = (
    f"case when open then '{shown.OPEN}' when class_ = '{TRANSIENT}' then '{shown.TRANSIENT}' "
    f"else '{shown.ENDED}' end"
)
# A link with more targets than this is longer than browsers accept.
_MAX_LINK_TARGETS = 50


@dataclass(frozen=True, slots=True)
class Total:
    """Numbers of incidents and of their failed attempts."""

    incidents: int = 0
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of incidents, in total, open and by class, and of their failed attempts.

    `unknown` counts the open ones that are last known to fail. `transient_attempts` counts the
    attempts of transient incidents, `transient_closed` those of these incidents that are closed,
    which a list that folds them hides. `groups` has the numbers of each group of `shown.GROUPS`,
    which add up to the total.
    """

    incidents: int
    open: int
    unknown: int
    by_class: dict[str, int]
    attempts: int
    transient_attempts: int
    transient_closed: int
    groups: dict[str, Total]


def incidents(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    *,
    groups: tuple[str, ...] = (),
    classes: tuple[str, ...] = (),
    targets: Collection[str] | None = None,
    only_open: bool = False,
    fold: bool = False,
    order: str = "",
    rows: int | None = None,
    skip: int = 0,
) -> list[Incident]:
    """Return the incidents that *filter_* selects at *now* (aware), most urgent first.

    Open before closed, then in the order of `CLASSES`, then latest first. *groups* of
    `shown.GROUPS`, *classes* and *targets* (as `Incident.target`) restrict them; *fold* leaves out
    closed transient incidents and puts open ones last; *order*, a name of `ORDERS` or one with `-`
    for descending, comes before that order; *rows* and *skip* select a page.
    """
    sql, params = matching_sql(engine, filter_, now)
    where = _condition(groups, classes, targets, params)
    where += " and open" if only_open else ""
    where += f" and (open or class_ <> '{TRANSIENT}')" if fold else ""
    last = f"class_ = '{TRANSIENT}', " if fold else ""
    first = (
        f"{ORDERS[order.removeprefix('-')]} {'desc' if order[0] == '-' else 'asc'} nulls last, "
        if order
        else ""
    )
    rank = " ".join(f"when '{name}' then {position}" for position, name in enumerate(CLASSES))
    table = engine.table(
        f"{sql} select * exclude (target_attempts) from (select *, sum(attempts) over "
        f"(partition by target, class_ = '{STORM}') as target_attempts from named) where {where} "
        f"order by {first}{last}open desc, case class_ {rank} end, last_at desc, incident_id "
        + (f"limit {int(rows)} offset {int(skip)}" if rows is not None else ""),
        params,
    )
    return [Incident(**row) for row in table.to_pylist()]


def _condition(
    groups: Sequence[str],
    classes: Sequence[str],
    targets: Collection[str] | None,
    params: Params,
) -> str:
    parts = ["true"]
    if groups:
        params["groups"] = list(groups)
        parts.append(f"list_contains($groups, {_GROUP})")
    if classes:
        params["classes"] = list(classes)
        parts.append("list_contains($classes, class_)")
    if targets is not None:
        params["targets"] = list(targets)
        parts.append("list_contains($targets, target)")
    return " and ".join(parts)


def incident(engine: Engine, incident_id: str, now: dt.datetime) -> Incident | None:
    """Return the incident with that id, or None."""
    catch_up(engine)
    sql = incidents_sql(engine, "select $id as shown", now)
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
    sql = incidents_sql(engine, matching, now)
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
    sql = incidents_sql(engine, matching, now)
    table = engine.table(
        f"{sql} select * from named where {began} "
        f"order by target <> $target, first_at, incident_id limit {int(rows)}",
        {"target": target},
    )
    return [Incident(**row) for row in table.to_pylist()]


def summary(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    *,
    classes: tuple[str, ...] = (),
    targets: Collection[str] | None = None,
) -> Summary:
    """Return the counts of the incidents that *filter_* selects at *now* (aware).

    *classes* and *targets* restrict them as those of `incidents`.
    """
    sql, params = matching_sql(engine, filter_, now)
    rows = engine.table(
        f"{sql} select class_, state, {_GROUP} as in_group, count(*) as n, "
        f"sum(attempts)::bigint as attempts from named "
        f"where {_condition((), classes, targets, params)} group by all",
        params,
    ).to_pylist()

    def total(name: str, *values: str) -> Total:
        chosen = [row for row in rows if row[name] in values]
        return Total(sum(row["n"] for row in chosen), sum(row["attempts"] for row in chosen))

    by_class = {name: total("class_", name).incidents for name in CLASSES}
    groups = {name: total("in_group", name) for name in shown.GROUPS}
    return Summary(
        incidents=sum(by_class.values()),
        open=groups[shown.OPEN].incidents,
        unknown=total("state", UNKNOWN).incidents,
        by_class=by_class,
        attempts=sum(row["attempts"] for row in rows),
        transient_attempts=total("class_", TRANSIENT).attempts,
        transient_closed=groups[shown.TRANSIENT].incidents,
        groups=groups,
    )


def target_totals(engine: Engine, filter_: Filter, now: dt.datetime) -> dict[str, Total]:
    """Return by `Incident.target` the numbers of its incidents that *filter_* selects.

    Storms, which have many targets, are not included.
    """
    sql, params = matching_sql(engine, filter_, now)
    table = engine.table(
        f"{sql} select target, count(*) as n, sum(attempts)::bigint as attempts from named "
        f"where class_ <> '{STORM}' group by target",
        params,
    )
    return {row["target"]: Total(row["n"], row["attempts"]) for row in table.to_pylist()}


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


def window_of_causes(filter_: Filter, now: dt.datetime) -> Window:
    """Return the window of *filter_* and the time before it that may have caused its incidents."""
    window = filter_.window(now)
    start = window.start and shifted(window.start, -cause_score.LOOK_BACK)
    return Window(start, window.end)


def target_types(engine: Engine, filter_: Filter, now: dt.datetime) -> list[str]:
    """Return the types of the targets of the incidents that *filter_* selects, in order."""
    sql, params = matching_sql(engine, filter_, now)
    table = engine.table(
        f"{sql} select distinct target_type from named where target_type <> '' order by all", params
    )
    return list(table["target_type"].to_pylist())


def series_of(engine: Engine, incidents: Sequence[Incident]) -> list[tuple[tuple[str, str], str]]:
    """Return each action and target of *incidents* with the id; a storm has one for each target."""
    table = engine.table(
        "select action, target, coalesce(storm_id, incident_id) as shown from incidents "
        "where list_contains($ids, coalesce(storm_id, incident_id)) order by all",
        {"ids": [incident.incident_id for incident in incidents]},
    )
    return [((row["action"], row["target"]), row["shown"]) for row in table.to_pylist()]


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


def attempts_filter(
    engine: Engine, filter_: Filter, incident: Incident, now: dt.datetime
) -> Filter:
    """Return the filter with which Explore lists the attempts of *incident*.

    A storm of more targets than fit into a URL is filtered by action and time only.
    """
    choices = {"action": Choice((incident.action,))}
    # Both spellings of a target's id: a path and its last part.
    ids = engine.table(
        "select distinct coalesce(nullif(t.target_id, ''), t.target_name) as id "
        "from attempts a join targets t using (target_key) where a.incident_id in ("
        "select incident_id from incidents where coalesce(storm_id, incident_id) = $id) "
        "order by id",
        {"id": incident.incident_id},
    )["id"].to_pylist()
    without_target = ids == [""]
    if len(ids) <= _MAX_LINK_TARGETS and not without_target:
        choices["target"] = Choice(tuple(ids))
    shown = replace(
        filter_.cleared(),
        q=("-target:*",) if without_target else (),
        start=utc_text(incident.first_at),
        end=utc_text(incident.last_at + dt.timedelta(milliseconds=1)),
        choices=choices,
    )
    if counts.count(engine, shown, now) == incident.attempts:
        return shown
    # Flagged events are attempts of no incident.
    return shown.put("verified", YES, "include").put("future_dated", NO, "include")
