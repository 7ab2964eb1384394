"""Counts of events: the total, and the values of every facet."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from trail.events.count_source import CountSource, count_source
from trail.storage.cube import CUBE
from trail.storage.database import Engine
from trail.storage.filters import FLAGS, NO, YES, Filter
from trail.storage.where import ON_FLAG

# The facets that `facets` counts, in the order in which pages show them.
COUNTED = ("category", "action", "actor", "actor_type", "target_type", "outcome", "kind", *FLAGS)

_BY_ACTION = ("category", "action", "outcome", "kind")


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a facet: its filter value, its label, and its number of events."""

    value: str
    label: str
    count: int


def count(engine: Engine, filter_: Filter, now: dt.datetime) -> int:
    """Return the number of events that match *filter_*."""
    rows = count_source(engine, filter_, now)
    return int(
        engine.table(f"select {rows.n} as n from {rows.source}", rows.params)["n"][0].as_py() or 0
    )


def unverified(engine: Engine, filter_: Filter, now: dt.datetime) -> int:
    """Return the number of events that match *filter_* and are unverified."""
    rows = count_source(engine, filter_, now)
    table = engine.table(
        "select sum(n)::bigint as n from "
        f"(select e.unverified as flag, {rows.n} as n from {rows.source} group by all) where flag",
        rows.params,
    )
    return int(table["n"][0].as_py() or 0)


@dataclass(frozen=True, slots=True)
class ActorChoice:
    """Which values of the facet `actor` are listed: the *top* ones that contain *text*.

    Without *top* all are. Comparison ignores case; values that the filter names always are listed.
    """

    text: str = ""
    top: int | None = None


@dataclass(frozen=True, slots=True)
class Facets:
    """The values of each facet of `COUNTED`, the number of events, and that of listable actors."""

    values: dict[str, list[Value]]
    events: int
    actors: int


def facets(
    engine: Engine, filter_: Filter, now: dt.datetime, actors: ActorChoice = ActorChoice()
) -> Facets:
    """Return every facet's values, most events first, ignoring the facet's own choice.

    A flag that no event has, and that the filter does not name, has no values. *actors* limits the
    facet that may have a hundred thousand values.
    """
    by_action, total = _action_facets(engine, filter_, now)
    listed, number = _actors(engine, filter_, now, actors)
    result = {
        **by_action,
        "actor": listed,
        "actor_type": _by_column(engine, "actor_type", filter_, now),
        "target_type": _by_column(engine, "target_type", filter_, now),
        **{name: _flag_values(engine, name, filter_, now) for name in FLAGS},
    }
    return Facets({name: result[name] for name in COUNTED}, total, number)


def actors(engine: Engine, filter_: Filter, now: dt.datetime, top: int) -> list[Value]:
    """Return the *top* actors of the events that match *filter_*, most events first."""
    rows = count_source(engine, filter_, now, by_actor=True)
    return _values(engine.table(f"{_named(rows)} order by {_MOST_FIRST} limit {top}", rows.params))


def _action_facets(
    engine: Engine, filter_: Filter, now: dt.datetime
) -> tuple[dict[str, list[Value]], int]:
    """Return the four facets that depend only on the action, and the total, from one scan."""
    rows = count_source(engine, filter_.without(*_BY_ACTION), now)
    table = engine.table(
        "select category, action, outcome, kind, sum(n)::bigint as n from ("
        f"select e.action_key, {rows.n} as n from {rows.source} group by all"
        ") join actions using (action_key) group by all",
        rows.params,
    ).to_pylist()
    result = {}
    chosen = [name for name in _BY_ACTION if filter_.choice(name)]
    for name in _BY_ACTION:
        counts: Counter[str] = Counter()
        others = [other for other in chosen if other != name]
        for row in table:
            if all(_passes(filter_, other, row) for other in others):
                counts[row[name]] += row["n"]
        result[name] = _ranked(filter_, name, counts)
    total = sum(row["n"] for row in table if all(_passes(filter_, name, row) for name in chosen))
    return result, total


# An actor as the facet shows it, and its rank.
_LABEL = "coalesce(nullif(actor_name, ''), nullif(actor_email, ''), actor_id)"
_MOST_FIRST = "count desc, value"


def _named(rows: CountSource) -> str:
    """Return SQL for value, label and count of each actor of *rows*."""
    return (
        f"select actor_id as value, {_LABEL} as label, n as count from ("
        f"select e.actor_key, {rows.n} as n from {rows.source} group by all"
        ") join actors using (actor_key)"
    )


def _actors(
    engine: Engine, filter_: Filter, now: dt.datetime, chosen: ActorChoice
) -> tuple[list[Value], int]:
    """Return the values of the facet `actor` as *chosen*, and the number that it could list."""
    rows = count_source(engine, filter_.without("actor"), now, by_actor=True)
    named = f"select * from ({_named(rows)})"
    params = {**rows.params, "text": chosen.text.lower()}
    if chosen.text:
        named += " where contains(lower(value), $text) or contains(lower(label), $text)"
    else:
        del params["text"]
    limit = "" if chosen.top is None else f"limit {chosen.top}"
    table = engine.table(
        f"select *, count(*) over () as listable from ({named}) order by {_MOST_FIRST} {limit}",
        params,
    )
    listable = table["listable"][0].as_py() if table.num_rows else 0
    listed = _values(table)
    own = _selected(engine, filter_)
    missing = [value for value in own if value not in {item.value for item in listed}]
    if missing:
        named = f"select * from ({_named(rows)}) where list_contains($missing, value)"
        found = _values(engine.table(named, {**rows.params, "missing": missing}))
        counted = {item.value: item for item in found}
        listed += [counted.get(value, Value(value, value, 0)) for value in missing]
        listed.sort(key=lambda item: (-item.count, item.value))
    return listed, listable


def _selected(engine: Engine, filter_: Filter) -> list[str]:
    """Return the actors that *filter_* names, by id where it names an e-mail or a recorded id."""
    choice = filter_.choice("actor")
    named = [*choice.include, *choice.exclude]
    if not named:
        return []
    table = engine.table(
        "select distinct name, actor_id from (select unnest($named) as name) join ("
        "select actor_id, actor_id as known from actors union all "
        "select actor_id, actor_email from actors union all "
        "select p.actor_id, unnest([i.recorded_actor_id, if(i.proven, i.actor_email, '')]) "
        "from identities i join actors p using (actor_key)) on known = name",
        {"named": named},
    )
    ids: dict[str, list[str]] = {name: [] for name in named}
    for row in table.to_pylist():
        ids[row["name"]].append(row["actor_id"])
    return list(dict.fromkeys(actor for name in named for actor in sorted(ids[name]) or [name]))


def _values(table: pa.Table) -> list[Value]:
    return [Value(row["value"], row["label"], row["count"]) for row in table.to_pylist()]


def _by_column(engine: Engine, name: str, filter_: Filter, now: dt.datetime) -> list[Value]:
    """Return the values of the facet *name*, which is a column of the smallest counts."""
    rows = count_source(engine, filter_.without(name), now)
    counted = f"select e.{name} as value, {rows.n} as n from {rows.source} group by all"
    if name == "actor_type" and rows.table != CUBE:
        counted = (
            "select actor_type as value, sum(n)::bigint as n from ("
            f"select e.actor_key, {rows.n} as n from {rows.source} group by all"
            ") join actors using (actor_key) group by all"
        )
    table = engine.table(counted, rows.params).to_pylist()
    counts = Counter({row["value"]: row["n"] for row in table if row["value"]})
    return _ranked(filter_, name, counts)


def _flag_values(engine: Engine, name: str, filter_: Filter, now: dt.datetime) -> list[Value]:
    column, flagged = ON_FLAG[name]
    if (
        not filter_.choice(name)
        and not engine.table(f"select 1 from cube where {column} limit 1").num_rows
    ):
        return []
    free = filter_.without(name)
    counts = {value: count(engine, free.put(name, value, "include"), now) for value in (YES, NO)}
    if not counts[flagged] and not filter_.choice(name):
        return []
    return _ranked(filter_, name, Counter(counts))


def _passes(filter_: Filter, name: str, row: Mapping[str, object]) -> bool:
    choice, value = filter_.choice(name), row[name]
    return (not choice.include or value in choice.include) and value not in choice.exclude


def _ranked(filter_: Filter, name: str, counts: Counter[str]) -> list[Value]:
    """Return values, most events first; selected values without events last, to allow removal."""
    choice = filter_.choice(name)
    for value in (*choice.include, *choice.exclude):
        counts.setdefault(value, 0)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Value(value, value, number) for value, number in ordered]
