"""Counts of events: the total, and the values of every facet."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from trail.events.combinations import SMALL, Combinations
from trail.events.count_source import CountSource, count_source
from trail.storage.database import Engine
from trail.storage.filters import FLAGS, Filter
from trail.storage.where import ON_FLAG, counts_table

# The facets that `facets` counts, in the order in which pages show them.
COUNTED = ("category", "action", "actor", "actor_type", "target_type", "outcome", "kind", *FLAGS)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a facet: its filter value, its label, and its number of events."""

    value: str
    label: str
    count: int


def count(engine: Engine, filter_: Filter, now: dt.datetime) -> int:
    """Return the number of events that match *filter_*."""
    if not _is_narrow_scan(filter_):
        return Combinations(engine, filter_, now).total()
    rows = count_source(engine, filter_, now)
    return int(
        engine.table(f"select {rows.n} as n from {rows.source}", rows.params)["n"][0].as_py() or 0
    )


def unverified(engine: Engine, filter_: Filter, now: dt.datetime) -> int:
    """Return the number of events that match *filter_* and are unverified."""
    if not _is_narrow_scan(filter_):
        return Combinations(engine, filter_, now).unverified()
    rows = count_source(engine, filter_, now)
    table = engine.table(
        "select sum(n)::bigint as n from "
        f"(select e.unverified as flag, {rows.n} as n from {rows.source} group by all) where flag",
        rows.params,
    )
    return int(table["n"][0].as_py() or 0)


def _is_narrow_scan(filter_: Filter) -> bool:
    """Return whether the events must be scanned, and fewer of them than for all combinations."""
    return counts_table(filter_) == "events" and any(map(filter_.choice, SMALL))


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
    counted = Combinations(engine, filter_, now)
    result = {name: _ranked(filter_, name, counted.values(name)) for name in SMALL}
    for name in FLAGS:
        if not filter_.choice(name) and not counted.values(name)[ON_FLAG[name][1]]:
            result[name] = []
    result["actor"], number = _actors(engine, filter_, now, actors, counted)
    return Facets({name: result[name] for name in COUNTED}, counted.total(), number)


def actors(engine: Engine, filter_: Filter, now: dt.datetime, top: int) -> list[Value]:
    """Return the *top* actors of the events that match *filter_*, most events first."""
    rows = count_source(engine, filter_, now, by_actor=True)
    return _values(engine.table(f"{_named(rows)} order by {_MOST_FIRST} limit {top}", rows.params))


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
    engine: Engine, filter_: Filter, now: dt.datetime, chosen: ActorChoice, counted: Combinations
) -> tuple[list[Value], int]:
    """Return the values of the facet `actor` as *chosen*, and the number that it could list."""
    by_key = counted.actors()
    if by_key is not None and not filter_.choice("actor"):
        return _actors_by_key(engine, by_key, chosen)
    rows = count_source(engine, filter_.without("actor"), now, by_actor=True)
    where, params = _containing(chosen.text)
    sql = f"select * from ({_named(rows)}) {where}"
    if chosen.top is None:
        listed = _values(engine.table(f"{sql} order by {_MOST_FIRST}", {**rows.params, **params}))
        listable = len(listed)
    else:
        table = engine.table(
            f"select *, count(*) over () as listable from ({sql}) "
            f"order by {_MOST_FIRST} limit {chosen.top}",
            {**rows.params, **params},
        )
        listed, listable = _values(table), table["listable"][0].as_py() if table.num_rows else 0
    own = _selected(engine, filter_)
    missing = [value for value in own if value not in {item.value for item in listed}]
    if missing:
        named = f"select * from ({_named(rows)}) where list_contains($missing, value)"
        found = _values(engine.table(named, {**rows.params, "missing": missing}))
        numbers = {item.value: item for item in found}
        listed += [numbers.get(value, Value(value, value, 0)) for value in missing]
        listed.sort(key=_most_first)
    return listed, listable


def _actors_by_key(
    engine: Engine, counts: dict[int, int], chosen: ActorChoice
) -> tuple[list[Value], int]:
    where, params = _containing(chosen.text)
    named = f"select actor_key, actor_id as value, {_LABEL} as label from actors"
    names = engine.table(f"select * from ({named}) {where}", params)
    columns = (column.to_pylist() for column in names.columns)
    listed = sorted(
        (
            Value(value, label, counts[key])
            for key, value, label in zip(*columns, strict=True)
            if key in counts
        ),
        key=_most_first,
    )
    return listed[: chosen.top], len(listed)


def _containing(text: str) -> tuple[str, dict[str, object]]:
    """Return the condition on value and label to contain *text*, and its parameters."""
    if not text:
        return "", {}
    where = "where contains(lower(value), $text) or contains(lower(label), $text)"
    return where, {"text": text.lower()}


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


def _most_first(item: Value) -> tuple[int, str]:
    return -item.count, item.value


def _ranked(filter_: Filter, name: str, counts: Counter[str]) -> list[Value]:
    """Return values, most events first; selected values without events last, to allow removal."""
    choice = filter_.choice(name)
    for value in (*choice.include, *choice.exclude):
        counts.setdefault(value, 0)
    return sorted((Value(value, value, n) for value, n in counts.items()), key=_most_first)
