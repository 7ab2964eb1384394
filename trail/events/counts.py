"""Counts of events: the total, and the values of every facet."""

import datetime as dt
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, replace

from trail.events import actor_names, facet_values, names, scanned_facets, value_names
from trail.events.combinations import SMALL, Combinations
from trail.events.count_source import CountSource, count_source
from trail.events.facet_values import ALL, Listing, Value
from trail.storage import workspaces
from trail.storage.engine import Engine
from trail.storage.filters import YES, Filter
from trail.storage.where import counts_table

# The facets that `facets` counts, in the order in which pages show them.
COUNTED = (
    *("category", "risk", "actor", "target", "action", "outcome", "source", "workspace"),
    *("verified", "findings", "actor_type", "target_type", "kind", "changes"),
    "future_dated",
)


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


# What commands and the API list of the targets, which may be hundreds of thousands.
TOP_TARGETS = Listing(top=100)


@dataclass(frozen=True, slots=True)
class Facets:
    """The values of facets by name in the order of `COUNTED`, and the number of events.

    `listable` is the number of values of a facet whose listing is limited.
    """

    values: dict[str, list[Value]]
    events: int
    listable: dict[str, int]


def facets(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    actors: Listing = ALL,
    targets: Listing = ALL,
    leave_out: Container[str] = (),
) -> Facets:
    """Return every facet's values, most events first, ignoring the facet's own choice.

    A date in the future, if no event has one and the filter does not ask, has no values. *actors*
    and *targets* limit the facets that may have a hundred thousand values; those of `SCANNED` that
    *leave_out* names are not counted.
    """
    counted = Combinations(engine, filter_, now)
    result = {name: _ranked(filter_, name, counted.values(name)) for name in SMALL}
    if not filter_.choice("future_dated") and not counted.values("future_dated")[YES]:
        result["future_dated"] = []
    labels = workspaces.labels(engine) if result["workspace"] else {}
    result["workspace"] = [
        replace(one, label=labels.get(one.value, one.value)) for one in result["workspace"]
    ]
    listable = {}
    result["actor"], listable["actor"] = _actors(engine, filter_, now, actors, counted)
    if "target" not in leave_out:
        result["target"], listable["target"] = scanned_facets.targets(engine, filter_, now, targets)
    if "source" not in leave_out:
        result["source"] = scanned_facets.sources(engine, filter_, now, counted.total())
    if "findings" not in leave_out:
        result["findings"] = scanned_facets.findings(engine, filter_, now)
    values = {name: result[name] for name in COUNTED if name in result}
    return Facets(values, counted.total(), listable)


def actors(engine: Engine, filter_: Filter, now: dt.datetime, top: int) -> list[Value]:
    """Return the *top* actors of the events that match *filter_*, most events first."""
    rows = count_source(engine, filter_, now, by_actor=True)
    return facet_values.of_table(
        engine.table(f"{_named(rows)} order by {_MOST_FIRST} limit {top}", rows.params)
    )


_MOST_FIRST = "count desc, value"


def _named(rows: CountSource) -> str:
    """Return SQL for value, label and count of each actor of *rows*."""
    return (
        f"select actor_id as value, {actor_names.DISPLAY} as label, n as count from ("
        f"select e.actor_key, {rows.n} as n from {rows.source} group by all"
        ") join actors using (actor_key)"
    )


def _actors(
    engine: Engine, filter_: Filter, now: dt.datetime, chosen: Listing, counted: Combinations
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
        where, params = facet_values.containing(chosen, "value", "label")
        limit = "" if chosen.top is None else f"limit {chosen.top}"
        table = engine.table(
            f"select *, count(*) over () as listable from (select * from ({_named(rows)}) "
            f"where {where}) order by {_MOST_FIRST} {limit}",
            {**rows.params, **params},
        )
        listed, listable = (
            facet_values.of_table(table),
            table["listable"][0].as_py() if table.num_rows else 0,
        )
    own = _selected(engine, filter_)
    missing = [value for value in own if value not in {item.value for item in listed}]
    if missing:
        sql = f"select * from ({_named(rows)}) where list_contains($missing, value)"
        found = facet_values.of_table(engine.table(sql, {**rows.params, "missing": missing}))
        numbers = {item.value: item for item in found}
        absent = actor_names.display_names(engine, (id_ for id_ in missing if id_ not in numbers))
        listed += [numbers.get(id_) or Value(id_, absent[id_], 0) for id_ in missing]
        listed = facet_values.most_first(listed)
    return listed, listable


def _by_key(engine: Engine, rows: CountSource) -> dict[int, int]:
    """Return the number of events of each actor by key."""
    sql = f"select e.actor_key, {rows.n} as n from {rows.source} group by all"
    table = engine.table(sql, rows.params)
    return dict(zip(table["actor_key"].to_pylist(), table["n"].to_pylist(), strict=True))


def _named_actors(engine: Engine, counts: dict[int, int]) -> list[Value] | None:
    """Return the actors of *counts* by key, most events first, or None if one is gone."""
    table = names.whole_table(engine, "actors", f"actor_id, {actor_names.DISPLAY} as label", counts)
    if table is None:
        return None
    lines = zip(*(column.to_pylist() for column in table.columns), strict=True)
    values = [Value(actor, label, counts[key]) for key, actor, label in lines if key in counts]
    return facet_values.most_first(values)


def _selected(engine: Engine, filter_: Filter) -> list[str]:
    """Return the actors that *filter_* names, by id where it names an e-mail or a recorded id."""
    choice = filter_.choice("actor")
    named = [*choice.include, *choice.exclude]
    if not named:
        return []
    ids = value_names.actor_ids(engine, named)
    return list(dict.fromkeys(actor for name in named for actor in ids[name] or [name]))


def _ranked(filter_: Filter, name: str, counts: Counter[str]) -> list[Value]:
    """Return values, most events first; selected values without events last, to allow removal."""
    choice = filter_.choice(name)
    for value in (*choice.include, *choice.exclude):
        counts.setdefault(value, 0)
    return facet_values.most_first(Value(value, value, n) for value, n in counts.items())
