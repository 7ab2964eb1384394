"""Who acts in the workspace: people and tokens, new, dormant and gone; and what one of them did."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from trail.core.catalogue import DESTRUCTIVE_KINDS, ROUTINE_KINDS
from trail.events import timeline
from trail.storage.database import Engine
from trail.storage.filters import Filter
from trail.storage.where import literal, select

State = Literal["active", "new", "dormant", "never"]

# Ids are compared by their last part: events write `users/abc` where a target is called `abc`.
_TAIL = "regexp_extract({}, '[^/]*$')"
_REMOVALS = ("User Removed", "Group Memberships Deleted")
_DESTRUCTIVE = ", ".join(f"'{kind}'" for kind in sorted(DESTRUCTIVE_KINDS))
_ROUTINE = ", ".join(f"'{kind}'" for kind in sorted(ROUTINE_KINDS | {"failure", "partial"}))


@dataclass(frozen=True, slots=True)
class Somebody:
    """One person or token; counts are of the window, first and last of all that is kept (UTC)."""

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
class Share:
    """One action: how often somebody did it, and its share of theirs and of everybody's events."""

    action: str
    events: int
    theirs: float
    everybodys: float


def everybody(engine: Engine, filter_: Filter, now: dt.datetime) -> list[Somebody]:
    """Return all people and tokens, those with the most changes in the window first.

    `new` acted in the window for the first time, `dormant` acted before it and not within, `never`
    stands in the directory and has no event. The system is nobody.
    """
    window = timeline.bounded(engine, filter_.window(now), now)
    assert window.start
    chosen = select(engine, filter_, now)
    rows = engine.table(
        f"""
        with inside as (
         select actor_key, count(*) as events,
          count(*) filter (kind not in ({_ROUTINE})) as changes,
          count(*) filter (kind in ({_DESTRUCTIVE})) as destructive
         from events e join actions a using (action_key)
         where {chosen.timed()} group by actor_key
        ), ever as (
         select actor_key, min(occurred_at) as first_at, max(occurred_at) as last_at
         from events group by actor_key
        ), removed as (
         select {_TAIL.format("t.target_id")} as tail, max(e.occurred_at) as removed_at
         from events e join actions a using (action_key) join targets t using (target_key)
         where a.action in ({", ".join(f"'{name}'" for name in _REMOVALS)})
          and t.target_id <> '' group by all
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
        chosen.params,
    ).to_pylist()
    late = _after_removal(engine, rows)
    return [
        Somebody(
            **row,
            state=_state(row, window.start),
            after_removal=late.get(row["actor_id"], 0),
        )
        for row in rows
        if row["last_at"] or row["actor_type"] == "user"
    ]


def _state(row: dict[str, Any], start: dt.datetime) -> State:
    if row["last_at"] is None:
        return "never"
    if not row["events"]:
        return "dormant"
    return "new" if row["first_at"] >= start else "active"


def _after_removal(engine: Engine, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many events those who were removed have after their removal."""
    gone = [row for row in rows if row["removed_at"] and row["last_at"]]
    late = [row for row in gone if row["last_at"] > row["removed_at"]]
    found = {}
    for row in late:
        table = engine.table(
            "select count(*) as n from events join actors using (actor_key) "
            f"where actor_id = $actor and occurred_at > {literal(row['removed_at'])}",
            {"actor": row["actor_id"]},
        )
        found[row["actor_id"]] = int(table["n"][0].as_py())
    return found


def makers(engine: Engine) -> dict[str, dict[str, Any]]:
    """Return for each token that acts who made it, as far as an event tells.

    By the token's actor id: maker_id, maker_name, made_at; a token that no event tells of is not
    among them.
    """
    rows = engine.table(
        f"""
        select k.actor_id as token, arg_min(p.actor_id, e.occurred_at) as maker_id,
         arg_min(coalesce(nullif(p.actor_name, ''), nullif(p.actor_email, ''), p.actor_id),
          e.occurred_at) as maker_name, min(e.occurred_at) as made_at
        from actors k
        join targets t on {_TAIL.format("t.target_id")} = {_TAIL.format("k.actor_id")}
        join events e using (target_key)
        join actions a using (action_key)
        join actors p on p.actor_key = e.actor_key
        where k.actor_type = 'token' and t.target_id <> '' and a.kind = 'create'
        group by all
        """
    ).to_pylist()
    return {row["token"]: row for row in rows}


def mix(engine: Engine, filter_: Filter, now: dt.datetime, actor_id: str, top: int) -> list[Share]:
    """Return the *top* actions of *actor_id* in the window, beside the workspace's own mix."""
    chosen = select(engine, filter_, now)
    rows = engine.table(
        f"""
        with counted as (
         select a.action, count(*) as n, count(*) filter (p.actor_id = $who) as mine
         from events e join actions a using (action_key) join actors p using (actor_key)
         where {chosen.timed()} group by all
        )
        select action, mine, mine / nullif(sum(mine) over (), 0) as theirs,
         n / sum(n) over () as everybodys from counted
        qualify mine > 0 order by mine desc, action limit {int(top)}
        """,
        {**chosen.params, "who": actor_id},
    ).to_pylist()
    return [Share(row["action"], row["mine"], row["theirs"], row["everybodys"]) for row in rows]


def touched(
    engine: Engine, filter_: Filter, now: dt.datetime, actor_id: str, top: int
) -> list[dict[str, Any]]:
    """Return what *actor_id* acted on most: value, label, target_type, events, last_at."""
    chosen = select(engine, filter_, now)
    rows: list[dict[str, Any]] = engine.table(
        f"""
        select coalesce(nullif(t.target_id, ''), t.target_name) as value,
         coalesce(any_value(nullif(t.target_name, '')), any_value(t.target_id)) as label,
         any_value(t.target_type) as target_type, count(*) as events,
         max(e.occurred_at) as last_at
        from events e join targets t using (target_key) join actors p using (actor_key)
        where {chosen.timed()} and p.actor_id = $who and (t.target_id <> '' or t.target_name <> '')
        group by 1 order by events desc, value limit {int(top)}
        """,
        {**chosen.params, "who": actor_id},
    ).to_pylist()
    return rows


def life(engine: Engine, target: str) -> dict[str, Any] | None:
    """Return what is known of a target (an id, or a name that has no id), or None.

    Has label, target_type, events, first_at, last_at, created_at and deleted_at (None where no
    event tells), actors (how many).
    """
    rows = engine.table(
        """
        select coalesce(any_value(nullif(t.target_name, '')), any_value(t.target_id)) as label,
         any_value(t.target_type) as target_type, count(*) as events,
         min(e.occurred_at) as first_at, max(e.occurred_at) as last_at,
         min(e.occurred_at) filter (a.kind = 'create') as created_at,
         max(e.occurred_at) filter (a.kind = 'delete') as deleted_at,
         count(distinct e.actor_key) as actors
        from events e join targets t using (target_key) join actions a using (action_key)
        where t.target_id = $target or (t.target_id = '' and t.target_name = $target)
        """,
        {"target": target},
    ).to_pylist()
    return rows[0] if rows and rows[0]["events"] else None


def ids_of(engine: Engine, email: str) -> frozenset[str]:
    """Return the actor ids that bear *email*, whatever its case; none for an empty one."""
    if not email.strip():
        return frozenset()
    table = engine.table(
        "select actor_id from actors where lower(actor_email) = lower($email) "
        "union select actor_id from people where lower(email) = lower($email)",
        {"email": email.strip()},
    )
    return frozenset(table["actor_id"].to_pylist())


def labels(engine: Engine, actor_ids: list[str]) -> dict[str, str]:
    """Return how people call each of *actor_ids*: a name, else an e-mail, else the id."""
    rows = engine.table(
        "select actor_id, coalesce(nullif(actor_name, ''), nullif(actor_email, ''), actor_id) "
        "as label from actors where list_contains($ids, actor_id)",
        {"ids": sorted(set(actor_ids))},
    ).to_pylist()
    return {row["actor_id"]: row["label"] for row in rows}
