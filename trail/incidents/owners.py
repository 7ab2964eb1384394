"""Who is responsible for a failing target: who last changed it, else who created it."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from trail.core.catalogue import FAILED_KINDS, ROUTINE_KINDS
from trail.events import actor_names
from trail.incidents.materialize import TARGET
from trail.storage.engine import Engine

CHANGED, CREATED = "last changed", "created"

_OWNERS = f"""
with things as (
 select t.target_key, target from (select target_key, {TARGET} as target from targets t)  t
 where list_contains($targets, target)
), made as (
 select h.target, max(e.occurred_at) as at, max_by(e.actor_key, e.occurred_at) as actor_key,
  max_by(a.kind, e.occurred_at) as kind
 from things h join trusted_events e on e.target_key = h.target_key
 join actions a using (action_key) join actors p using (actor_key)
 where p.actor_type not in ('system', 'unknown') and not list_contains($kinds, a.kind)
 group by all
)
select m.target, m.at, m.kind, p.actor_id, {actor_names.DISPLAY_P} as name
from made m join actors p using (actor_key)
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """The actor who `how` ("last changed" or "created") a target at `at` (UTC, without zone)."""

    actor_id: str
    name: str
    how: str
    at: dt.datetime


def owners(engine: Engine, targets: Iterable[str]) -> dict[str, Owner]:
    """Return the owner of each of *targets* (as `Incident.target`) that a user or token changed.

    The system is no owner; reads and failures are no changes.
    """
    wanted = sorted({target for target in targets if target})
    if not wanted:
        return {}
    rows = engine.table(
        _OWNERS, {"targets": wanted, "kinds": [*sorted(ROUTINE_KINDS), *FAILED_KINDS]}
    ).to_pylist()
    return {
        row["target"]: Owner(
            row["actor_id"],
            row["name"],
            CREATED if row["kind"] == "create" else CHANGED,
            row["at"],
        )
        for row in rows
    }
