"""Counts of events: the total, and the values of every facet."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from trail.events import names
from trail.events.combinations import SMALL, Combinations
from trail.events.count_source import CountSource, count_source
from trail.storage.database import Engine
from trail.storage.filters import Filter
from trail.storage.where import ON_FLAG, counts_table

# The facets that `facets` counts, in the order in which pages show them.
COUNTED = (
    *("category", "risk", "actor", "action", "outcome", "actor_type", "target_type", "kind"),
    *("changes", "verified", "future_dated"),
)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a facet: its filter value, its label, and its number of events."""

    value: str
    label: str
    count: int


def count(engine: Engine, filter_: Filter, now: dt.datetime) -> int:
    """Return the number of events that match *filter_*."""
    return totals(engine, filter_, now)[0]


def unverified(engine: Engine, filter_: Filter, now: dt.datetime) -> int:
    """Return the number of events that match *filter_* and are unverified."""
    return totals(engine, filter_, now)[1]


def totals(engine: Engine, filter_: Filter, now: dt.datetime) -> tuple[int, int]:
    """Return the number of events that match *filter_*, and of those that are unverified."""
    if not _is_narrow_scan(filter_):
        counted = Combinations(engine, filter_, now)
        return counted.total(), counted.unverified()
    rows = count_source(engine, filter_, now)
    table = engine.table(
        f"select e.unverified as flag, {rows.n} as n from {rows.source} group by all", rows.params
    )
    numbers = dict(zip(table["flag"].to_pylist(), table["n"].to_pylist(), strict=True))
    return sum(numbers.values()), numbers.get(True, 0)


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
    for name, (_, flagged) in ON_FLAG.items():
        if not filter_.choice(name) and not counted.values(name)[flagged]:
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
    rows = count_source(engine, filter_.without("actor"), now, by_actor=True)
    named = None
    by_key = None if filter_.choice("actor") else counted.actors()
    if not chosen.text and (by_key or chosen.top is None):
        named = _named_actors(engine, by_key or _by_key(engine, rows))
    if named is not None:
        listed, listable = named[: chosen.top], len(named)
    else:
        where, params = _containing(chosen.text)
        limit = "" if chosen.top is None else f"limit {chosen.top}"
        table = engine.table(
            f"select *, count(*) over () as listable from (select * from ({_named(rows)}) {where}) "
            f"order by {_MOST_FIRST} {limit}",
            {**rows.params, **params},
        )
        listed, listable = _values(table), table["listable"][0].as_py() if table.num_rows else 0
    own = _selected(engine, filter_)
    missing = [value for value in own if value not in {item.value for item in listed}]
    if missing:
        sql = f"select * from ({_named(rows)}) where list_contains($missing, value)"
        found = _values(engine.table(sql, {**rows.params, "missing": missing}))
        numbers = {item.value: item for item in found}
        listed += [numbers.get(value, Value(value, value, 0)) for value in missing]
        listed.sort(key=_most_first)
    return listed, listable


def _by_key(engine: Engine, rows: CountSource) -> dict[int, int]:
    """Return the number of events of each actor by key."""
    sql = f"select e.actor_key, {rows.n} as n from {rows.source} group by all"
    table = engine.table(sql, rows.params)
    return dict(zip(table["actor_key"].to_pylist(), table["n"].to_pylist(), strict=True))


def _named_actors(engine: Engine, counts: dict[int, int]) -> list[Value] | None:
    """Return the actors of *counts* by key, most events first, or None if one is gone."""
    table = names.whole_table(engine, "actors", f"actor_id, {_LABEL} as label", counts)
    if table is None:
        return None
    lines = zip(*(column.to_pylist() for column in table.columns), strict=True)
    values = [Value(actor, label, counts[key]) for key, actor, label in lines if key in counts]
    return sorted(values, key=_most_first)


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
