"""The facets that no hourly count knows: target, source and finding.

Their events are scanned, so that they cost more the more events the window has.
"""

import datetime as dt
from dataclasses import replace

from trail.events import facet_values
from trail.events.facet_values import Listing, Value
from trail.storage import collected_by, evidence
from trail.storage.engine import Engine
from trail.storage.filters import Choice, Filter
from trail.storage.where import select

SCANNED = ("target", "source", "findings")

# A target is known by its id, or by its name where records give no id.
_VALUE = "coalesce(nullif(target_id, ''), target_name)"
# The name of most of its events.
_LABEL = "arg_max(nullif(target_name, ''), {'n': n, 'name': target_name})"


def targets(
    engine: Engine, filter_: Filter, now: dt.datetime, listing: Listing
) -> tuple[list[Value], int]:
    """Return the targets of the events of *filter_* as *listing* wants, and how many there are.

    The facet's own choice is ignored. Counts are those of the filter that includes the value,
    which also finds targets of other ids that have the value as their name.
    """
    selection = select(engine, filter_.without("target"), now)
    choice = filter_.choice("target")
    where, params = facet_values.containing(listing, _VALUE, "target_name")
    limit = "" if listing.top is None else f"limit {listing.top}"
    table = engine.table(
        f"""
        with seen as materialized (
         select target_key, target_id, target_name, n from (
          select e.target_key, count(*) as n from events e where {selection.timed()} group by all
         ) join targets using (target_key)
        ), listed as materialized (
         select {_VALUE} as value, sum(n) as n, count(*) over () as listable from seen
         where (target_id <> '' or target_name <> '') and {where}
         group by value order by n desc, value {limit}
        ), wanted as (
         select value, listable from listed union all
         select value, null from (select distinct unnest($chosen::varchar[]) as value)
         where value not in (select value from listed)
        ), hit as (
         select value, seen.* from wanted join seen on target_id = value union
         select value, seen.* from wanted join seen on target_name = value
        )
        select value, coalesce({_LABEL}, value) as label,
         coalesce(sum(n), 0)::bigint as count, max(listable) as listable
        from wanted left join hit using (value) group by value
        """,
        {**selection.params, **params, "chosen": [*choice.include, *choice.exclude]},
    )
    listable = max(filter(None, table["listable"].to_pylist()), default=0)
    return facet_values.most_first(_named(engine, facet_values.of_table(table))), listable


def _named(engine: Engine, found: list[Value]) -> list[Value]:
    """Return *found* with the newest names of the targets that have no event in the result."""
    absent = [one.value for one in found if not one.count]
    if not absent:
        return found
    table = engine.table(
        "select target_id, arg_max(target_name, target_key) as name from targets "
        "where list_contains($ids, target_id) and target_name <> '' group by target_id",
        {"ids": absent},
    )
    names = dict(zip(table["target_id"].to_pylist(), table["name"].to_pylist(), strict=True))
    return [
        one if one.count else replace(one, label=names.get(one.value, one.label)) for one in found
    ]


def sources(engine: Engine, filter_: Filter, now: dt.datetime, total: int) -> list[Value]:
    """Return how the events of *filter_* were collected; its own choice is ignored.

    *total* is the number of events of the filter.
    """
    choice = filter_.choice("source")
    ways = f"select batch_id, {collected_by.SQL} as value from batches"
    # One way is the usual case, and needs no scan.
    known = engine.table(f"select distinct value from ({ways}) limit 2")["value"].to_pylist()
    if len(known) == 1 and not choice:
        return [Value(known[0], known[0], total)] if total else []
    selection = select(engine, filter_.without("source"), now)
    found = facet_values.of_table(
        engine.table(
            "select value, value as label, sum(n)::bigint as count from ("
            f"select e.batch_id, count(*) as n from events e where {selection.timed()} group by all"
            f") join ({ways}) using (batch_id) group by value",
            selection.params,
        )
    )
    return _with_chosen(found, choice)


def findings(engine: Engine, filter_: Filter, now: dt.datetime) -> list[Value]:
    """Return how many events of *filter_* are behind findings, by state; its choice is ignored.

    An event may be behind several findings, as they were when they were refreshed last.
    """
    selection = select(engine, filter_.without("findings"), now)
    found = facet_values.of_table(
        engine.table(
            "select f.state as value, value as label, count(distinct e.event_id) as count "
            f"from {evidence.EVENTS} and {selection.timed()} group by all",
            selection.params,
        )
    )
    return _with_chosen(found, filter_.choice("findings"))


def _with_chosen(found: list[Value], choice: Choice) -> list[Value]:
    missing = {*choice.include, *choice.exclude} - {item.value for item in found}
    return facet_values.most_first([*found, *(Value(value, value, 0) for value in missing)])
