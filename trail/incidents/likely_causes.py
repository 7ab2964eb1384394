"""Find changes before incidents, of their target and of what their first event refers to.

The evidence of a pair of change and incident is the same whichever of the two the reader opened.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from trail.core.catalogue import FAILED_KINDS, ROUTINE_KINDS
from trail.events import actor_names
from trail.incidents import cause_score
from trail.incidents.grouping import STORM
from trail.incidents.incident import Change, Incident
from trail.incidents.materialize import TARGET
from trail.storage.engine import Engine

# Ids in a record that do not refer to anything that could cause the failure.
_NO_CANDIDATES = frozenset({"workspace", "subject", "user", "message", "event", "project", "actor"})
_MAX_CANDIDATES = 20

_CHANGES = f"""
with wanted as (
 select unnest($number::integer[]) as number, unnest($target::varchar[]) as target,
  unnest($onset::timestamp[]) as onset
), things as (
 select t.target_key, w.number, w.onset from (
  select target_key, {TARGET} as target from targets t
 ) t join wanted w using (target)
), found as (
 select w.number, w.onset, e.event_id, e.occurred_at, e.action_key, e.actor_key, e.target_key,
  count(*) over (partition by w.number) as changes
 from things w join trusted_events e on e.target_key = w.target_key
 where e.occurred_at < w.onset and e.occurred_at < $last and e.action_key in (
  select action_key from actions where not list_contains($kinds, kind))
)
select f.number, f.event_id, f.occurred_at, f.changes, a.action, a.kind, a.risk, p.actor_id,
 {actor_names.DISPLAY_P} as actor, t.target_type, t.target_id, t.target_name
from found f join actions a using (action_key) join actors p using (actor_key)
join targets t using (target_key)
where f.occurred_at >= f.onset - to_seconds({int(cause_score.LOOK_BACK.total_seconds())})
 and ($only = '' or f.event_id = $only)
order by f.number, f.occurred_at desc, f.event_id
"""


# Incidents of the same action on the same target, up to and including each.
_RECURRENCE = """
with wanted as (
 select unnest($id::varchar[]) as id, unnest($action::varchar[]) as action,
  unnest($target::varchar[]) as target, unnest($onset::timestamp[]) as onset
)
select w.id, count(*) as n from wanted w join incidents i using (action, target)
where i.first_at <= w.onset group by w.id
"""


def changes_before(engine: Engine, incidents: Sequence[Incident]) -> dict[str, list[Change]]:
    """Return by incident id the changes of the 24 hours before it, the most likely cause first.

    At most three of the target itself, then at most three upstream candidates, which are never
    called a likely cause. A storm has upstream candidates only.
    """
    changes = evidence(engine, incidents)
    return {incident.incident_id: _ranked(changes[incident.incident_id]) for incident in incidents}


def evidence(
    engine: Engine, incidents: Sequence[Incident], change: Mapping[str, Any] | None = None
) -> dict[str, list[Change]]:
    """Return by incident id all changes of the 24 hours before it, with the evidence of each.

    With *change*, an event, only that change, for the incidents that it may have caused.
    """
    checks = list(_targets_to_check(engine, incidents))
    if change is not None:
        changed = target_of(change)
        checks = [check for check in checks if check[1] == changed]
    changes: dict[str, list[Change]] = {incident.incident_id: [] for incident in incidents}
    if not checks:
        return changes
    rows = engine.table(
        _CHANGES,
        {
            "number": list(range(len(checks))),
            "target": [target for _, target, _ in checks],
            "onset": [incident.first_at for incident, _, _ in checks],
            "last": max(incident.first_at for incident, _, _ in checks),
            "kinds": [*sorted(ROUTINE_KINDS), *FAILED_KINDS],
            "only": change["event_id"] if change is not None else "",
        },
    ).to_pylist()
    first = engine.table("select min(hour) as first from cube")["first"][0].as_py()
    counts = _recurrence(engine, incidents) if rows else {}
    for row in rows:
        incident, _, upstream = checks[row["number"]]
        number = counts.get(incident.incident_id, 1)
        changes[incident.incident_id].append(
            _change(row, incident, first, number, upstream=upstream)
        )
    return changes


def target_of(event: Mapping[str, Any]) -> str:
    """Return the target of *event* as incidents identify targets, like `materialize.TARGET`."""
    return str(event["target_id"] or "").rpartition("/")[2] or str(event["target_name"] or "")


def _recurrence(engine: Engine, incidents: Sequence[Incident]) -> dict[str, int]:
    table = engine.table(
        _RECURRENCE,
        {
            "id": [incident.incident_id for incident in incidents],
            "action": [incident.action for incident in incidents],
            "target": [incident.target for incident in incidents],
            "onset": [incident.first_at for incident in incidents],
        },
    )
    return dict(zip(table["id"].to_pylist(), table["n"].to_pylist(), strict=True))


def _ranked(changes: list[Change]) -> list[Change]:
    ordered = sorted(changes, key=lambda change: (-change.score, change.before_s, change.event_id))
    own, upstream = (
        [change for change in ordered if change.upstream is is_upstream]
        for is_upstream in (False, True)
    )
    return [*own[: cause_score.MOST_SHOWN], *upstream[: cause_score.MOST_SHOWN]]


_FIELDS = (
    *("event_id", "occurred_at", "action", "kind", "actor_id", "actor", "target_type"),
    *("target_id", "target_name", "changes"),
)


def _change(
    row: dict[str, Any], incident: Incident, first: dt.datetime, incidents: int, *, upstream: bool
) -> Change:
    before_s = (incident.first_at - row["occurred_at"]).total_seconds()
    history_s = (incident.first_at - first).total_seconds()
    interval_s = cause_score.mean_interval_s(row["changes"], history_s)
    bits = cause_score.surprise_bits(before_s, interval_s)
    likely_cause = cause_score.is_likely_cause(
        bits,
        before_s,
        incident.class_,
        incident.gap_s,
        history_s,
        is_open=incident.open,
        upstream=upstream,
    )
    return Change(
        **{name: row[name] for name in _FIELDS},
        before_s=before_s,
        interval_days=interval_s / 86_400,
        bits=bits,
        score=cause_score.score(bits, row["risk"]),
        upstream=upstream,
        likely_cause=likely_cause,
        strength=cause_score.strength(bits, likely_cause=likely_cause, upstream=upstream),
        chance_days=cause_score.chance_s(bits, incidents, history_s) / 86_400,
    )


def _targets_to_check(
    engine: Engine, incidents: Sequence[Incident]
) -> Iterator[tuple[Incident, str, bool]]:
    """Yield incident, target and whether that is upstream, for every target to be checked."""
    records = _first_records(engine, incidents)
    for incident in incidents:
        # A failure without a target has no connection to other events without one.
        if incident.class_ != STORM and incident.target:
            yield incident, incident.target, False
        raw = records.get(incident.first_event_id, "")
        for name in candidates(raw, incident.target_id)[:_MAX_CANDIDATES]:
            if name != incident.target:
                yield incident, name, True


def _first_records(engine: Engine, incidents: Sequence[Incident]) -> dict[str, str]:
    if not incidents:
        return {}
    table = engine.table(
        "select event_id, raw from events where occurred_at between $first and $last "
        "and event_id in (select unnest($ids::varchar[]))",
        {
            "ids": [incident.first_event_id for incident in incidents],
            "first": min(incident.first_at for incident in incidents),
            "last": max(incident.first_at for incident in incidents),
        },
    )
    return dict(zip(table["event_id"].to_pylist(), table["raw"].to_pylist(), strict=True))


def candidates(raw: str, target_id: str) -> list[str]:
    """Return the ids, in order, that a failed event refers to besides its target.

    These are the parts of an id that is a path (`spaces/x/audiences/y`), and the values of `..._id`
    in the record's details. A record that cannot be read has none.
    """
    parts = target_id.split("/")
    names = [part for part in parts[1:-1:2] if len(parts) > 3]
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return names
    properties = record.get("properties") if isinstance(record, dict) else None
    details = properties.get("details") if isinstance(properties, dict) else None
    if isinstance(details, dict):
        for key, value in details.items():
            kind = key.removesuffix("_id")
            if kind != key and kind not in _NO_CANDIDATES and value and isinstance(value, str):
                names.append(value.rpartition("/")[2])
    return list(dict.fromkeys(names))
