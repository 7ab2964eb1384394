"""Activity of people and tokens: who is active, new, dormant or removed, and what each did."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from trail.core.catalogue import DESTRUCTIVE_KINDS, NO_CHANGE_KINDS
from trail.events import actor_names, timeline
from trail.events.count_source import count_source
from trail.storage.engine import Engine
from trail.storage.filters import Filter
from trail.storage.where import literal, select

State = Literal["active", "new", "dormant", "later", "never"]

# Ids are compared by their last segment: an actor `users/abc` is the target `abc`.
_TAIL = "regexp_extract({}, '[^/]*$')"
_TARGET = "(t.target_id = $target or (t.target_id = '' and t.target_name = $target))"
_DESTRUCTIVE = ", ".join(f"'{kind}'" for kind in sorted(DESTRUCTIVE_KINDS))
_NO_CHANGE = ", ".join(f"'{kind}'" for kind in NO_CHANGE_KINDS)


@dataclass(frozen=True, slots=True)
class ActorActivity:
    """One person or token. Counts cover the window; `first_at` and `last_at` (UTC) all events."""

    actor_id: str
    actor_type: str
    name: str
    email: str
    state: State
    events: int
    changes: int
    destructive: int
    first_at: dt.datetime | None
    last_at: dt.datetime | None
    removed_at: dt.datetime | None
    after_removal: int


@dataclass(frozen=True, slots=True)
class ActionShare:
    """One action of an actor: its share of the actor's events and of the workspace's events."""

    action: str
    events: int
    actor_share: float
    workspace_share: float


def actor_activity(engine: Engine, filter_: Filter, now: dt.datetime) -> list[ActorActivity]:
    """Return all people and tokens, those with the most changes in the window first.

    `new` means first active in the window, `dormant` active before it but not in it, `later` first
    active after it, `never` listed in the directory without an event. The system actor is not
    included.
    """
    window = timeline.bounded(engine, filter_.window(now), now)
    assert window.start and window.end
    source = count_source(engine, filter_, now, by_actor=True)
    rows = engine.table(
        f"""
        with counted as (
         select e.actor_key, e.action_key, {source.n} as n from {source.source} group by all
        ), inside as (
         select actor_key, sum(n)::bigint as events,
          coalesce(sum(n) filter (kind not in ({_NO_CHANGE})), 0)::bigint as changes,
          coalesce(sum(n) filter (kind in ({_DESTRUCTIVE})), 0)::bigint as destructive
         from counted join actions a using (action_key) group by actor_key
        ), ever as (
         select actor_key, min(first_at) as first_at, max(last_at) as last_at
         from actor_times group by actor_key
        ), removed as (
         select {_TAIL.format("t.target_id")} as tail, max(occurred_at) as removed_at
         from access_removals join targets t using (target_key)
         where t.target_id <> '' group by all
        )
        select coalesce(p.actor_id, d.actor_id) as actor_id,
         coalesce(p.actor_type, 'user') as actor_type,
         coalesce(nullif(p.actor_name, ''), d.name, '') as name,
         coalesce(nullif(p.actor_email, ''), d.email, '') as email,
         coalesce(i.events, 0) as events, coalesce(i.changes, 0) as changes,
         coalesce(i.destructive, 0) as destructive, v.first_at, v.last_at, r.removed_at
        from actors p
        full join people d using (actor_id)
        left join inside i using (actor_key)
        left join ever v using (actor_key)
        left join removed r on r.tail = {_TAIL.format("coalesce(p.actor_id, d.actor_id)")}
        where coalesce(p.actor_type, 'user') in ('user', 'token')
        order by changes desc, events desc, actor_id
        """,
        source.params,
    ).to_pylist()
    late = _after_removal(engine, rows)
    return [
        ActorActivity(
            **row,
            state=_state(row, window.start, window.end),
            after_removal=late.get(row["actor_id"], 0),
        )
        for row in rows
        if row["last_at"] or row["actor_type"] == "user"
    ]


def _state(row: dict[str, Any], start: dt.datetime, end: dt.datetime) -> State:
    if row["last_at"] is None:
        return "never"
    if not row["events"]:
        return "later" if row["first_at"] >= end else "dormant"
    return "new" if row["first_at"] >= start else "active"


def _after_removal(engine: Engine, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Return the number of events after removal, by actor id."""
    removed = [row for row in rows if row["removed_at"] and row["last_at"]]
    late = [row for row in removed if row["last_at"] > row["removed_at"]]
    events = {}
    for row in late:
        table = engine.table(
            "select count(*) as n from trusted_events join actors using (actor_key) "
            f"where actor_id = $actor and occurred_at > {literal(row['removed_at'])}",
            {"actor": row["actor_id"]},
        )
        events[row["actor_id"]] = int(table["n"][0].as_py())
    return events


def token_creators(engine: Engine) -> dict[str, dict[str, Any]]:
    """Return who created each active token, by the token's actor id.

    Rows have creator_id, creator_name and created_at. Tokens without a creation event are missing.
    """
    rows = engine.table(
        f"""
        select k.actor_id as token, arg_min(p.actor_id, e.occurred_at) as creator_id,
         arg_min({actor_names.DISPLAY_P}, e.occurred_at) as creator_name,
         min(e.occurred_at) as created_at
        from actors k
        join targets t on {_TAIL.format("t.target_id")} = {_TAIL.format("k.actor_id")}
        join trusted_events e using (target_key)
        join actions a using (action_key)
        join actors p on p.actor_key = e.actor_key
        where k.actor_type = 'token' and t.target_id <> '' and a.kind = 'create'
        group by all
        """
    ).to_pylist()
    return {row["token"]: row for row in rows}


def action_mix(
    engine: Engine, filter_: Filter, now: dt.datetime, actor_id: str, top: int
) -> list[ActionShare]:
    """Return the *top* actions of *actor_id* in the window with their share in the workspace."""
    source = count_source(engine, filter_, now, by_actor=True)
    rows = engine.table(
        f"""
        with keyed as (
         select e.action_key, e.actor_key, {source.n} as n from {source.source} group by all
        ), counted as (
         select a.action, sum(n)::bigint as n,
          coalesce(sum(n) filter (p.actor_id = $who), 0)::bigint as mine
         from keyed join actions a using (action_key) join actors p using (actor_key)
         group by all
        )
        select action, mine, mine / nullif(sum(mine) over (), 0) as actor_share,
         n / sum(n) over () as workspace_share from counted
        qualify mine > 0 order by mine desc, action limit {int(top)}
        """,
        {**source.params, "who": actor_id},
    ).to_pylist()
    return [
        ActionShare(row["action"], row["mine"], row["actor_share"], row["workspace_share"])
        for row in rows
    ]


def top_targets(
    engine: Engine, filter_: Filter, now: dt.datetime, actor_id: str, top: int
) -> list[dict[str, Any]]:
    """Return the *top* targets of *actor_id*: value, label, target_type, events, last_at."""
    selection = select(engine, filter_, now)
    rows: list[dict[str, Any]] = engine.table(
        f"""
        select coalesce(nullif(t.target_id, ''), t.target_name) as value,
         coalesce(max(nullif(t.target_name, '')), max(t.target_id)) as label,
         max(t.target_type) as target_type, count(*) as events,
         max(e.occurred_at) as last_at
        from events e join targets t using (target_key) join actors p using (actor_key)
        where {selection.timed()} and p.actor_id = $who
         and (t.target_id <> '' or t.target_name <> '')
        group by 1 order by events desc, value limit {int(top)}
        """,
        {**selection.params, "who": actor_id},
    ).to_pylist()
    return rows


def target_label(engine: Engine, target: str) -> str:
    """Return what a target (an id, or a name without an id) is called; "" if it has no event."""
    table = engine.table(
        "select coalesce(max(nullif(target_name, '')), max(target_id), '') as label "
        f"from targets t where {_TARGET}",
        {"target": target},
    )
    label: str = table["label"][0].as_py()
    return label


def target_summary(engine: Engine, target: str) -> dict[str, Any] | None:
    """Return a summary of a target (an id, or a name without an id), or None if it has no event.

    Has target_type, events, first_at, last_at, actors (their number), and created_at and
    deleted_at (None without such an event).
    """
    rows = engine.table(
        f"""
        select max(t.target_type) as target_type, count(*) as events,
         min(e.occurred_at) as first_at, max(e.occurred_at) as last_at,
         min(e.occurred_at) filter (a.kind = 'create') as created_at,
         max(e.occurred_at) filter (a.kind = 'delete') as deleted_at,
         count(distinct e.actor_key) as actors
        from events e join targets t using (target_key) join actions a using (action_key)
        where {_TARGET}
        """,
        {"target": target},
    ).to_pylist()
    return rows[0] if rows and rows[0]["events"] else None


def own_actor_ids(engine: Engine, linked: Iterable[str]) -> frozenset[str]:
    """Return the ids of the actors that an account is linked to; none without a link.

    An id is also recognized without its `users/`, and where proven events recorded it before
    several ids were joined to one actor. E-mails of events are never compared.
    """
    ids = sorted(set(linked))
    if not ids:
        return frozenset()
    same = " or ".join(
        (
            "list_contains($ids, {0})",
            f"list_contains($ids, {_TAIL.format('{0}')})",
            "not contains({0}, '/') and list_contains($tails, {0})",
        )
    )
    table = engine.table(
        f"select actor_id from actors where {same.format('actor_id')} "
        "union select p.actor_id from identities i join actors p using (actor_key) "
        f"where i.proven and ({same.format('i.recorded_actor_id')})",
        {"ids": ids, "tails": [actor.rpartition("/")[2] for actor in ids]},
    )
    return frozenset((*ids, *table["actor_id"].to_pylist()))
