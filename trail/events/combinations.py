"""Counts of events by combination of the small facets, from one query.

The small facets are those with few values: all but actor and target. Whatever a filter chooses of
them is decided here, so that one query, which is the same for all these choices, answers each of
these facets, which ignores its own choice, as well as the total.
"""

import datetime as dt
from collections import Counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trail.core.catalogue import risk_level
from trail.events import names
from trail.events.count_source import count_source
from trail.storage.cube import ACTOR_CUBE, CUBE
from trail.storage.engine import Engine
from trail.storage.facet_columns import CHANGES, ON_FLAG
from trail.storage.filters import NO, YES, Choice, Filter

# In SQL over the table of actions.
_ON_ACTION = {
    **{name: name for name in ("category", "action", "outcome", "kind")},
    "changes": CHANGES,
    "risk": "risk::varchar",
}
BY_ACTION = tuple(_ON_ACTION)
# Of these the value is the column itself.
_BY_COLUMN = {"target_type": "target_type", "workspace": "workspace_id"}
SMALL = (*BY_ACTION, "actor_type", *_BY_COLUMN, *ON_FLAG)
_KEYS = "e.target_type, e.workspace_id, e.unverified, e.future_dated"


# For each row the place of its value, and the values.
_Facet = tuple[npt.NDArray[np.int64], list[str]]


class Combinations:
    """The number of events of each combination of `SMALL`, in the rest of what a filter chooses."""

    def __init__(self, engine: Engine, filter_: Filter, now: dt.datetime) -> None:
        self._filter = filter_
        free = filter_.without(*SMALL)
        for value in (YES, NO):  # or a relative window would leave out dates in the future
            free = free.put("future_dated", value, "include")
        rows = count_source(engine, free, now)
        actor = "actor_type" if rows.table == CUBE else "actor_key"
        keys = f"e.action_key, e.{actor}, {_KEYS}"
        sql = f"select {keys}, {rows.n} as n from {rows.source} group by all"
        # The other hourly counts may be those of a hundred thousand actors.
        is_small = rows.table != ACTOR_CUBE or bool(free.choice("actor").include)
        table = engine.table(sql, rows.params) if is_small else None
        if table is None or not (named := _named(engine, table)):
            types = "select actor_key, actor_type from actors"
            table = engine.table(
                f"select * exclude (actor_key, n), sum(n)::bigint as n from ({sql}) "
                f"join ({types}) using (actor_key) group by all",
                rows.params,
            )
            named = _named(engine, table)
        self._n = table["n"].to_numpy()
        # By actor, if a scan of the events told them anyway.
        self._actor_keys = _keys(table, "actor_key")
        columns = {name: _encoded(table[column]) for name, column in _BY_COLUMN.items()}
        self._facets = {**named, **columns}
        for name, (column, flagged) in ON_FLAG.items():
            codes = table[column].to_numpy().astype(np.int64)
            self._facets[name] = codes, [NO if flagged == YES else YES, flagged]

    def total(self) -> int:
        """Return the number of events that match the filter."""
        return int(self._n[self._matching()].sum())

    def unverified(self) -> int:
        """Return the number of events that match the filter and are unverified."""
        codes, _ = self._facets["verified"]
        return int(self._n[self._matching() & (codes == 1)].sum())

    def values(self, name: str) -> Counter[str]:
        """Return the number of events of each value of facet *name*, ignoring its own choice.

        Values without events are left out, unless of a flag; so are missing types
        and workspaces. Of the risk, the
        levels are counted, and the numbers that are chosen.
        """
        codes, values = self._facets[name]
        counts = _summed(codes, self._n, self._matching(name), len(values))
        listed = list(zip(values, counts.tolist(), strict=True))
        if name in ON_FLAG:
            return Counter(dict(listed))
        if name == "risk":
            choice, levels = self._filter.choice(name), Counter[str]()
            for value, n in listed:
                levels[risk_level(int(value))] += n
            listed = [(value, n) for value, n in listed if value in choice.include + choice.exclude]
            return +(levels + Counter(dict(listed)))
        may_be_missing = name not in BY_ACTION
        return Counter({value: n for value, n in listed if n and (value or not may_be_missing)})

    def actors(self) -> dict[int, int] | None:
        """Return the number of matching events of each actor by key, or None if not known here."""
        if self._actor_keys is None:
            return None
        keys, codes = np.unique(self._actor_keys, return_inverse=True)
        counts = _summed(codes, self._n, self._matching(), len(keys))
        return {
            key: count for key, count in zip(keys.tolist(), counts.tolist(), strict=True) if count
        }

    def _matching(self, ignored: str = "") -> npt.NDArray[np.bool_]:
        """Return which combinations pass the choices of all facets but *ignored*."""
        result = np.ones(len(self._n), np.bool_)
        for name, (codes, values) in self._facets.items():
            choice = self._filter.choice(name)
            if name == "future_dated" and self._filter.is_relative and not choice:
                choice = Choice(exclude=(YES,))
            if choice and name != ignored:
                passing = [_passes(choice, name, value) for value in values]
                result &= np.array(passing, np.bool_)[codes]
        return result


def _passes(choice: Choice, name: str, value: str) -> bool:
    known = {value, risk_level(int(value))} if name == "risk" else {value}
    wanted = not choice.include or not known.isdisjoint(choice.include)
    return wanted and known.isdisjoint(choice.exclude)


def _summed(
    codes: npt.NDArray[np.int64],
    n: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.bool_],
    size: int,
) -> npt.NDArray[np.int64]:
    result = np.zeros(size, np.int64)
    np.add.at(result, codes[chosen], n[chosen])
    return result


def _encoded(column: pa.ChunkedArray) -> _Facet:
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def _keys(table: pa.Table, key: str) -> npt.NDArray[np.int32] | None:
    return table[key].to_numpy() if key in table.column_names else None


def _named(engine: Engine, table: pa.Table) -> dict[str, _Facet]:
    """Return the facets of the actions and actors of *table*; none if an actor is gone."""
    actions = _looked_up(engine, "actions", _ON_ACTION, table)
    if "actor_type" in table.column_names:
        return {**actions, "actor_type": _encoded(table["actor_type"])}
    actors = _looked_up(engine, "actors", {"actor_type": "actor_type"}, table)
    return {**actions, **actors} if actions and actors else {}


def _looked_up(
    engine: Engine, source: str, columns: dict[str, str], table: pa.Table
) -> dict[str, _Facet]:
    """Return *columns* (SQL by name) of *source* for the rows of *table* by key.

    None of them if a key is not there.
    """
    key, _ = names.TABLES[source]
    keys = table[key].to_numpy()
    sql = ", ".join(f"{column} as {name}" for name, column in columns.items())
    named = names.whole_table(engine, source, sql, np.unique(keys).tolist())
    if named is None:
        return {}
    known = named[key].to_numpy()
    places = np.zeros(int(known.max(initial=0)) + 1, np.int64)
    places[known] = np.arange(len(known))
    found = {name: _encoded(named[name]) for name in columns}
    return {name: (codes[places[keys]], values) for name, (codes, values) in found.items()}
