"""The SQL of the incidents that a filter selects, and of their state.

A state is judged at the last time up to which data is known: what nobody collected has not ended.
"""

import datetime as dt

from trail.core.clock import naive_utc
from trail.events import coverage
from trail.incidents.grouping import MAX_ATTEMPTS, STORM
from trail.incidents.incident import COMPLETED, OPEN, QUIET, UNKNOWN, has_ended
from trail.incidents.materialize import ATTEMPTS, FAILED, TARGET, catch_up
from trail.storage.engine import Engine, Params
from trail.storage.filters import Filter
from trail.storage.where import literal, select

# Success events by the failure that they end. Other jobs report no success.
_SUCCESS_OF = {"Audience Run Failed": "Audience Run Complete"}


def matching_sql(engine: Engine, filter_: Filter, now: dt.datetime) -> tuple[str, Params]:
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
    return incidents_sql(engine, matching, now), selection.params


_FIRST_COLUMNS = ("action", "target", "action_key", "target_key", "first_event_id")


def incidents_sql(engine: Engine, matching: str, now: dt.datetime) -> str:
    """Return a WITH clause whose `named` has the fields of `Incident`; a storm is one row.

    *matching* selects the ids as `shown`; *now* is aware.
    """
    columns = ", ".join(_FIRST_COLUMNS)
    first_columns = ", ".join(
        f"first({name} order by first_at, incident_id)" for name in _FIRST_COLUMNS
    )
    moment = naive_utc(now)
    known = coverage.known_until(engine, moment) or moment
    failing = UNKNOWN if has_ended(known, moment) else OPEN
    success_join = _success_join(engine)
    return f"""
with matching as ({matching}), folded as (
 select incident_id, class as class_, {columns}, 1 as targets, first_at, last_at, gap_s,
  last_at + to_seconds(gap_s) as closes_at, attempts, runs, exhausted, beat_s
 from incidents where storm_id is null and incident_id in (select shown from matching)
 union all
 select storm_id, '{STORM}', {first_columns}, count(*), min(first_at), max(last_at), max(gap_s),
  max(last_at + to_seconds(gap_s)), sum(attempts), sum(runs), sum(exhausted), null
 from incidents where storm_id in (select shown from matching) group by storm_id
), runs_of as (
 select incident_id, run, count(*) >= {MAX_ATTEMPTS} as exhausted, max(occurred_at) as last_at
 from attempts where incident_id in (select incident_id from incidents
  where coalesce(storm_id, incident_id) in (select shown from matching)) group by all
), flapped as (
 select incident_id, count(*) filter (not exhausted)
  - (not max_by(exhausted, last_at))::integer as flaps from runs_of group by incident_id
), flaps_of as (
 select coalesce(storm_id, incident_id) as incident_id, sum(flaps)::bigint as flaps
 from flapped join incidents using (incident_id) group by all
), recovered as (
 select action, target, median(epoch(last_at - first_at)) as recover_s from incidents
 where last_at + to_seconds(gap_s) < {literal(known)} group by all
), ended as (
 select f.*, {"c.occurred_at" if success_join else "null::timestamp"} as completed_at
 from folded f {success_join}
), named as (
 select f.incident_id, f.class_, completed_at is null and closes_at >= {literal(known)} as open,
  case when completed_at is not null then '{COMPLETED}' when open then '{failing}'
   else '{QUIET}' end as state, {literal(known)} as known_until, f.action,
  a.category, f.target, t.target_type, t.target_id, t.target_name, f.targets, f.first_event_id,
  f.first_at, f.last_at, f.closes_at, f.gap_s, f.attempts::bigint as attempts,
  f.runs::bigint as runs, f.exhausted::bigint as exhausted, f.beat_s as cadence_s, f.completed_at,
  s.flaps, case when f.class_ <> '{STORM}' then r.recover_s end as recover_s
 from ended f join flaps_of s using (incident_id)
 left join recovered r on r.action = f.action and r.target = f.target
 join actions a using (action_key) join targets t using (target_key)
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
