"""From a filter to SQL: the one place where rows are chosen.

Facets that depend on the action alone (category, action, kind, outcome) become a choice among
action keys; so do those of the actor. What narrows only by columns of the hourly counts can be
counted from them at any size.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from trail.core.catalogue import RISK_LEVELS
from trail.storage import collected_by, evidence, search_match, search_syntax, search_time
from trail.storage.cube import ACTOR_CUBE, CUBE
from trail.storage.engine import Engine, Params
from trail.storage.facet_columns import CHANGES, ON_FLAG
from trail.storage.filters import NO, YES, Choice, Filter, Window
from trail.storage.search_condition import Condition
from trail.storage.sql_span import literal, span

__all__ = [
    "ON_CUBE",
    "Selection",
    "counts_table",
    "literal",
    "search_conditions",
    "select",
    "span",
]

# The level of the risk of an action, as SQL.
_LEVELS = " ".join(f"when risk >= {low} then '{name}'" for name, (low, _) in RISK_LEVELS.items())

# Which table knows a facet, and the columns that its values may stand in.
_ON_ACTION = {
    "category": ("category",),
    "action": ("action",),
    "outcome": ("outcome",),
    "kind": ("kind",),
    "changes": (CHANGES,),
    "risk": ("risk::varchar", f"case {_LEVELS} end"),
}
# An actor is chosen by id or by any e-mail that proven events or the directory gave it.
_PROVEN = (
    "actor_key in (select actor_key from identities "
    "where list_contains({values}, recorded_actor_id) "
    "or proven and list_contains({values}, actor_email))"
)
_ON_ACTOR = {"actor": ("actor_id", "actor_email", _PROVEN), "actor_type": ("actor_type",)}
_ON_TARGET = {"target": ("target_id", "target_name")}
_ON_BATCH = {"source": (collected_by.SQL,)}

# Facets that the cube can answer, and those that the actor cube can.
ON_CUBE = frozenset({*_ON_ACTION, "actor_type", "target_type", "workspace", *ON_FLAG})
_ON_ACTOR_CUBE = ON_CUBE | {"actor"}

# Longer lists of keys take longer to plan than the subquery takes to run.
_MOST_KEYS = 2_000
# With so few keys a list is fast, and lets the scan skip row groups.
_FEW_KEYS = 5
_WIDEST_MASK = 20_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Conditions on `events e` without the time window, and that window; with parameters."""

    where: str
    params: Params
    window: Window

    def timed(self, column: str = "e.occurred_at") -> str:
        """Return all conditions, those of time on *column* among them."""
        return f"{span(self.window, column)} and {self.where}"


def select(engine: Engine, filter_: Filter, now: dt.datetime, table: str = "events") -> Selection:
    """Return what *filter_* chooses at the moment *now* (aware).

    A range that depends on the current time leaves out events that are dated in the future, unless
    the filter asks for them.

    The conditions are on the columns of *table*, `events` or one of `cube.KEYS`, named `e`. For
    the latter the filter must be one that `counts_table` says it can answer.
    """
    params: Params = {}
    parts = [_keys(engine, "action_key", "actions", _ON_ACTION, filter_, params)]
    if table == CUBE:
        parts.append(_column("e.actor_type", "actor_type", filter_, params))
    else:
        parts.append(_keys(engine, "actor_key", "actors", _ON_ACTOR, filter_, params))
        parts.append(_keys(engine, "target_key", "targets", _ON_TARGET, filter_, params))
        parts.append(_keys(engine, "batch_id", "batches", _ON_BATCH, filter_, params))
        parts.append(
            evidence.condition(engine, filter_.choice("findings"), filter_.window(now), params)
        )
    parts.append(_column("e.target_type", "target_type", filter_, params))
    parts.append(_column("e.workspace_id", "workspace", filter_, params))
    parts.extend(_flag(name, filter_) for name in ON_FLAG)
    if filter_.is_relative and not filter_.choice("future_dated"):
        parts.append("not e.future_dated")
    parts.extend(term.sql() for term in search_conditions(engine, filter_, now))
    where = " and ".join(f"({part})" for part in parts if part) or "true"
    return Selection(where, params, filter_.window(now))


def search_conditions(engine: Engine, filter_: Filter, now: dt.datetime) -> list[Condition]:
    """Return the conditions of *filter_*'s search at *now* (aware), which must all hold."""
    return search_match.conditions(
        engine, search_syntax.read(filter_.q), lambda term: search_time.window(term, filter_, now)
    )


def counts_table(filter_: Filter, *, by_actor: bool = False) -> str:
    """Return the smallest table whose columns can answer *filter_*, with *by_actor* by actor."""
    if filter_.q or not set(filter_.choices) <= _ON_ACTOR_CUBE:
        return "events"
    return CUBE if not by_actor and set(filter_.choices) <= ON_CUBE else ACTOR_CUBE


def _keys(
    engine: Engine,
    key: str,
    table: str,
    facets: Mapping[str, tuple[str, ...]],
    filter_: Filter,
    outer: Params,
) -> str:
    """Return the condition on the star's *key*: a list of literals, which scans far faster.

    Falls back to a subquery where so many keys match that a list would be slower.
    """
    chosen = {name: filter_.choice(name) for name in facets if filter_.choice(name)}
    if not chosen:
        return ""
    params: Params = {}
    condition = " and ".join(
        _holds(facets[name], choice, name, params) for name, choice in chosen.items()
    )
    only_excludes = not any(choice.include for choice in chosen.values())
    wanted = f"not ({condition})" if only_excludes else condition
    result = engine.table(f"select {key} from {table} where {wanted} limit {_MOST_KEYS}", params)
    listed = result[key].to_pylist()
    if len(listed) == _MOST_KEYS:
        outer.update(params)
        return f"e.{key} in (select {key} from {table} where {condition})"
    if not listed:
        return "true" if only_excludes else "false"
    return _among(f"e.{key}", listed, wanted=not only_excludes)


def _among(column: str, keys: list[int], *, wanted: bool) -> str:
    """Return the condition that *column* is among *keys*, or is not."""
    if len(keys) < _FEW_KEYS or max(keys) > _WIDEST_MASK:
        return f"{column} {'in' if wanted else 'not in'} ({', '.join(map(str, keys))})"
    # One bit per key is tested twice as fast as a list. The last bit is for keys made since.
    bits = ["0" if wanted else "1"] * (max(keys) + 2)
    for key in keys:
        bits[key] = "1" if wanted else "0"
    return f"get_bit('{''.join(bits)}'::bit, least({column}, {len(bits) - 1})) = 1"


def _flag(name: str, filter_: Filter) -> str:
    choice = filter_.choice(name)
    if not choice:
        return ""
    column, flagged = ON_FLAG[name]
    passing = {*(choice.include or (YES, NO))} - {*choice.exclude}
    if len(passing) != 1:
        return "true" if passing else "false"
    return f"{'' if flagged in passing else 'not '}e.{column}"


def _column(column: str, name: str, filter_: Filter, params: Params) -> str:
    choice = filter_.choice(name)
    return _holds((column,), choice, name, params) if choice else ""


def _holds(columns: tuple[str, ...], choice: Choice, name: str, params: Params) -> str:
    parts = []
    for values, word in ((choice.include, ""), (choice.exclude, "not ")):
        if values:
            parameter = f"{name}_{'out' if word else 'in'}"
            params[parameter] = list(values)
            hits = " or ".join(
                column.format(values=f"${parameter}")
                if "{" in column
                else f"list_contains(${parameter}, {column})"
                for column in columns
            )
            parts.append(f"{word}({hits})")
    return " and ".join(parts)
