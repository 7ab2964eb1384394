"""What changed before an incident began: on its target, and on what its first event names."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from trail.catalogue import ROUTINE_KINDS
from trail.incidents import causes
from trail.incidents.grouping import STORM
from trail.incidents.keeping import FAILED_KINDS, TARGET
from trail.incidents.model import Change, Incident
from trail.store import Engine

# Ids are only looked for where the record tells of the job; these say nothing of its causes.
_NO_CANDIDATES = frozenset({"workspace", "subject", "user", "message", "event", "project", "actor"})
_MOST_CANDIDATES = 20

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
 from things w join events e on e.target_key = w.target_key
 where e.occurred_at < w.onset and e.occurred_at < $last and e.action_key in (
  select action_key from actions where not list_contains($kinds, kind))
)
select f.number, f.event_id, f.occurred_at, f.changes, a.action, a.kind, a.risk, p.actor_id,
 p.actor_name, t.target_type, t.target_id, t.target_name
from found f join actions a using (action_key) join actors p using (actor_key)
join targets t using (target_key)
where f.occurred_at >= f.onset - to_seconds({int(causes.LOOK_BACK.total_seconds())})
order by f.number, f.occurred_at desc, f.event_id
"""


def changes_before(engine: Engine, found: Sequence[Incident]) -> dict[str, list[Change]]:
    """Return for each incident's id the changes of the 24 hours before it, the likeliest first.

    At most three on the target itself; after them at most three upstream candidates, which are
    listed and never blamed. A storm has candidates alone.
    """
    wanted = list(_wanted(engine, found))
    if not wanted:
        return {each.incident_id: [] for each in found}
    rows = engine.table(
        _CHANGES,
        {
            "number": list(range(len(wanted))),
            "target": [target for _, target, _ in wanted],
            "onset": [each.first_at for each, _, _ in wanted],
            "last": max(each.first_at for each, _, _ in wanted),
            "kinds": [*sorted(ROUTINE_KINDS), *FAILED_KINDS],
        },
    ).to_pylist()
    first = engine.table("select min(hour) as first from cube")["first"][0].as_py()
    changes: dict[str, list[Change]] = defaultdict(list)
    for row in rows:
        each, _, upstream = wanted[row["number"]]
        changes[each.incident_id].append(_change(row, each, first, upstream=upstream))
    return {each.incident_id: _ranked(changes[each.incident_id]) for each in found}


def _ranked(changes: list[Change]) -> list[Change]:
    ordered = sorted(changes, key=lambda each: (-each.score, each.before_s, each.event_id))
    own = [each for each in ordered if not each.upstream]
    others = [each for each in ordered if each.upstream]
    return [*own[: causes.MOST_SHOWN], *others[: causes.MOST_SHOWN]]


def _change(row: dict[str, Any], each: Incident, first: dt.datetime, *, upstream: bool) -> Change:
    before_s = (each.first_at - row["occurred_at"]).total_seconds()
    trail_s = (each.first_at - first).total_seconds()
    every = causes.every_s(row["changes"], trail_s)
    surprise = causes.bits(before_s, every)
    return Change(
        event_id=row["event_id"],
        occurred_at=row["occurred_at"],
        action=row["action"],
        kind=row["kind"],
        actor_id=row["actor_id"],
        actor_name=row["actor_name"],
        target_type=row["target_type"],
        target_id=row["target_id"],
        target_name=row["target_name"],
        before_s=before_s,
        changes=row["changes"],
        every_days=every / 86_400,
        bits=surprise,
        score=causes.score(surprise, row["risk"]),
        upstream=upstream,
        blamed=causes.blamed(
            surprise,
            before_s,
            each.class_,
            each.gap_s,
            trail_s,
            is_open=each.open,
            upstream=upstream,
        ),
    )


def _wanted(engine: Engine, found: Sequence[Incident]) -> Iterator[tuple[Incident, str, bool]]:
    """Yield incident, target and whether that is upstream, for all that is to be looked at."""
    raws = _first_records(engine, found)
    for each in found:
        if each.class_ != STORM:
            yield each, each.target, False
        raw = raws.get(each.first_event_id, "")
        for name in candidates(raw, each.target_id)[:_MOST_CANDIDATES]:
            if name != each.target:
                yield each, name, True


def _first_records(engine: Engine, found: Sequence[Incident]) -> dict[str, str]:
    if not found:
        return {}
    table = engine.table(
        "select event_id, raw from events where occurred_at between $first and $last "
        "and event_id in (select unnest($ids::varchar[]))",
        {
            "ids": [each.first_event_id for each in found],
            "first": min(each.first_at for each in found),
            "last": max(each.first_at for each in found),
        },
    )
    return dict(zip(table["event_id"].to_pylist(), table["raw"].to_pylist(), strict=True))


def candidates(raw: str, target_id: str) -> list[str]:
    """Return the ids, in order, of what a failed event names besides its target.

    Those are the parts of an id that is a path (`spaces/x/audiences/y`), and the values of `..._id`
    in the record's details. Anything else, or a record that cannot be read, gives none.
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
            thing = key.removesuffix("_id")
            if thing != key and thing not in _NO_CANDIDATES and value and isinstance(value, str):
                names.append(value.rpartition("/")[2])
    return list(dict.fromkeys(names))
