"""Run a text search once and share its matches between the queries of a page.

What the hourly counts can decide is read from them; the events are scanned once for the rest, into
counts of the same shape, which then also tell where a page of matches is.
"""

import contextlib
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

from trail.storage.cube import ACTOR_CUBE, CUBE, KEYS, counted
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import NO, YES, Filter, Window
from trail.storage.search_condition import NOTHING, Condition
from trail.storage.where import search_conditions, select, span


@contextlib.contextmanager
def search_matches(
    store: Store, filter_: Filter, now: dt.datetime, *, targets_alone: bool = False
) -> Iterator[tuple[Engine, Filter]]:
    """Yield an engine limited to the matches of *filter_*'s search, and the filter without it.

    A choice of targets is part of the search here. Without a search, the engine is *store* itself;
    with *targets_alone* not if targets are chosen, whose events are scanned once then, too.
    """
    terms = search_conditions(store, filter_, now)
    rest = replace(filter_, q=())
    is_chosen = targets_alone and bool(rest.choice("target").include)
    if not terms and not is_chosen:  # also of a search for "", which asks nothing
        yield store, rest
        return
    alone = rest.without(*(name for name in rest.choices if name != "target"))
    for value in (YES, NO):  # or a relative window would leave out dates in the future
        alone = alone.put("future_dated", value, "include")
    targets = select(store, alone, now)
    is_listed = bool(rest.choice("target")) and not targets.params
    if not terms and not is_listed:
        yield store, rest
        return
    if is_listed:
        rest = rest.without("target")
        hits = _Hits(store, terms, filter_.window(now), targets.where)
    else:
        hits = _Hits(store, terms, filter_.window(now))
    with store.narrowed(hits.tables(), hits.views()) as engine:
        yield engine, rest


class _Hits:
    """The matches of *terms* in *window*; with *chosen* those that this condition holds for."""

    def __init__(
        self, store: Store, terms: list[Condition], window: Window, chosen: str = ""
    ) -> None:
        self._source = store.source
        self._store, self._terms, self._window, self._chosen = store, terms, window, chosen
        lists = dict.fromkeys(sql for term in terms for sql in term.lists)
        self._keys = {f"keys_{number}": sql for number, sql in enumerate(lists)}
        self._is_by_actor = any(term.by_actor for term in terms)
        self._rows = "events e"
        if any(term.by_hour for term in terms):
            self._rows = "(select *, date_trunc('hour', occurred_at) as hour from events) e"

    def tables(self) -> dict[str, str]:
        """Return the SELECTs of the long lists of keys, and of `found`: counts by a scan."""
        found = self._found()  # which may list more keys
        return {**self._keys, "found": self._listed(found)}

    def views(self) -> dict[str, str]:
        """Return the SELECTs that stand for `events` and its hourly counts."""
        where = " and ".join((self._span("e.occurred_at"), self._chosen or "true", *self._all()))
        return {
            "events": self._listed(f"select e.* from {self._source('events')} e where {where}"),
            **{table: self._counts(table) for table in KEYS},
        }

    def _counts(self, table: str) -> str:
        """Return what *table* counts for sure, with what was found."""
        columns = f"hour, {KEYS[table]}, n"
        names = "join trail.actors using (actor_key)" if table == CUBE else ""
        found = f"select {columns} from found {names}"
        if self._chosen:
            return found
        source = f"{self._source(CUBE)} e"
        if table == ACTOR_CUBE or self._is_by_actor:
            source = f"{self._source(ACTOR_CUBE)} e {names}"
        where = f"{self._span('e.hour')} and {self._surely()}"
        return self._listed(f"select {columns} from {source} where {where} union all {found}")

    def _found(self) -> str:
        """Return the counts of what only a scan of the events decides."""
        if not self._chosen and not any(term.is_open for term in self._terms):
            return f"select * from {self._source(ACTOR_CUBE)} limit 0"
        common = [self._span("e.occurred_at"), self._chosen or self._open()]
        # Each condition by itself, which scans its own column alone.
        driver = next((term for term in self._terms if term.scanned), None)
        if driver is None:
            return counted(ACTOR_CUBE, self._rows, " and ".join([*common, *self._all()]))
        common += [term.sql() for term in self._terms if term is not driver]
        parts = list(driver.scanned)
        if self._chosen or len(self._terms) > 1:
            parts.insert(0, driver.counted)
        return " union all ".join(
            counted(ACTOR_CUBE, self._rows, " and ".join([*common, part, *map(_fails, parts[:at])]))
            for at, part in enumerate(parts)
        )

    def _open(self) -> str:
        """Return the condition on events that their hourly counts do not decide on them."""
        open_ = f"not ({self._surely()}) and not ({self._never()})"
        if all(term.is_simple and term.counted == NOTHING for term in self._terms):
            return open_
        counts = ACTOR_CUBE if self._is_by_actor else CUBE
        actions = self._store.table(
            f"select distinct action_key as k from {counts} e where {open_}"
        )["k"].to_pylist()
        # The cheapest condition comes first; a table is faster here than a list of literals.
        listed = f"select unnest({actions}::integer[]) as action_key"
        self._keys[f"keys_{len(self._keys)}"] = listed
        return f"e.action_key in ({listed}) and {open_}"

    def _all(self) -> list[str]:
        return [term.sql() for term in self._terms]

    def _surely(self) -> str:
        """Return the condition on an hourly count that all of its events match."""
        return " and ".join(term.surely for term in self._terms)

    def _never(self) -> str:
        """Return the condition on an hourly count that none of its events matches."""
        return " or ".join(term.never for term in self._terms)

    def _span(self, column: str) -> str:
        start = self._window.start
        if start and column.endswith("hour"):
            start = start.replace(minute=0, second=0, microsecond=0)
        return span(Window(start, self._window.end), column)

    def _listed(self, sql: str) -> str:
        for name, keys in self._keys.items():
            sql = sql.replace(f"({keys})", f"(from {name})")
        return sql


def _fails(condition: str) -> str:
    return f"not coalesce({condition}, false)"
