"""Counts of events: the total, and the values of every facet."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trail.events.count_source import count_source
from trail.storage.database import Engine
from trail.storage.filters import FLAGS, NO, YES, Filter
from trail.storage.where import ON_FLAG

# The facets that `facets` counts, in the order in which pages show them.
COUNTED = ("category", "action", "actor", "actor_type", "target_type", "outcome", "kind", *FLAGS)

_BY_ACTION = ("category", "action", "outcome", "kind")
_BY_ACTOR = ("actor", "actor_type")


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


def facets(engine: Engine, filter_: Filter, now: dt.datetime) -> dict[str, list[Value]]:
    """Return every facet's values, most events first, ignoring the facet's own choice.

    A flag that no event has, and that the filter does not name, has no values.
    """
    return facets_and_count(engine, filter_, now)[0]


# The recorded ids and the proven e-mails of each actor.
_TEXTS = """
select actor_key,
 list_distinct(list(recorded_actor_id) || list(actor_email) filter (proven)) as texts
from identities group by actor_key
"""


def facets_and_count(
    engine: Engine, filter_: Filter, now: dt.datetime
) -> tuple[dict[str, list[Value]], int]:
    """Return the results of `facets` and `count` from one set of scans."""
    by_action, total = _action_facets(engine, filter_, now)
    result = {
        **by_action,
        **_actor_facets(engine, filter_, now),
        "target_type": _target_types(engine, filter_, now),
        **{name: _flag_values(engine, name, filter_, now) for name in FLAGS},
    }
    return {name: result[name] for name in COUNTED}, total


def actors(engine: Engine, filter_: Filter, now: dt.datetime) -> list[Value]:
    """Return the actors of the events that match *filter_*, most events first."""
    rows = count_source(engine, filter_, now, cube=False)
    table = engine.table(
        "select actor_id, actor_name, actor_email, n from ("
        f"select e.actor_key, {rows.n} as n from {rows.source} group by all"
        ") join actors using (actor_key) order by n desc, actor_id",
        rows.params,
    ).to_pylist()
    return [
        Value(row["actor_id"], row["actor_name"] or row["actor_email"] or row["actor_id"], row["n"])
        for row in table
    ]


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
    for name in _BY_ACTION:
        counts: Counter[str] = Counter()
        others = [other for other in _BY_ACTION if other != name]
        for row in table:
            if all(_passes(filter_, other, row) for other in others):
                counts[row[name]] += row["n"]
        result[name] = _ranked(filter_, name, counts, {})
    total = sum(
        row["n"] for row in table if all(_passes(filter_, name, row) for name in _BY_ACTION)
    )
    return result, total


def _actor_facets(engine: Engine, filter_: Filter, now: dt.datetime) -> dict[str, list[Value]]:
    rows = count_source(engine, filter_.without(*_BY_ACTOR), now, cube=False)
    table = engine.table(
        "select actor_id as actor, actor_type, actor_name, actor_email, texts, n from ("
        f"select e.actor_key, {rows.n} as n from {rows.source} group by all"
        f") join actors using (actor_key) left join ({_TEXTS}) using (actor_key)",
        rows.params,
    ).to_pylist()
    actors: Counter[str] = Counter()
    types: Counter[str] = Counter()
    labels = {}
    for row in table:
        labels[row["actor"]] = row["actor_name"] or row["actor_email"] or row["actor"]
        if _passes(filter_, "actor_type", row):
            actors[row["actor"]] += row["n"]
        if _passes_actor(filter_, row):
            types[row["actor_type"]] += row["n"]
    return {
        "actor": _ranked(_without_emails(filter_, table), "actor", actors, labels),
        "actor_type": _ranked(filter_, "actor_type", types, {}),
    }


def _without_emails(filter_: Filter, rows: list[dict[str, Any]]) -> Filter:
    """Return *filter_* without actors selected by email; they are listed by id."""
    for row in rows:
        for text in _texts(row) - {row["actor"]}:
            filter_ = filter_.put("actor", text, "")
    return filter_


def _texts(row: Mapping[str, Any]) -> set[str]:
    """Return the id, the e-mails and the recorded ids that select the actor of *row*."""
    return {row["actor"], row["actor_email"], *(row["texts"] or ())} - {""}


def _target_types(engine: Engine, filter_: Filter, now: dt.datetime) -> list[Value]:
    rows = count_source(engine, filter_.without("target_type"), now)
    table = engine.table(
        f"select e.target_type as value, {rows.n} as n from {rows.source} group by all",
        rows.params,
    ).to_pylist()
    counts = Counter({row["value"]: row["n"] for row in table if row["value"]})
    return _ranked(filter_, "target_type", counts, {})


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
    return _ranked(filter_, name, Counter(counts), {})


def _passes(filter_: Filter, name: str, row: Mapping[str, object]) -> bool:
    choice, value = filter_.choice(name), row[name]
    return (not choice.include or value in choice.include) and value not in choice.exclude


def _passes_actor(filter_: Filter, row: Mapping[str, Any]) -> bool:
    choice = filter_.choice("actor")
    known = _texts(row)
    return (not choice.include or bool(known & set(choice.include))) and not (
        known & set(choice.exclude)
    )


def _ranked(
    filter_: Filter, name: str, counts: Counter[str], labels: Mapping[str, str]
) -> list[Value]:
    """Return values, most events first; selected values without events last, to allow removal."""
    choice = filter_.choice(name)
    for value in (*choice.include, *choice.exclude):
        counts.setdefault(value, 0)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Value(value, labels.get(value) or value, number) for value, number in ordered]
