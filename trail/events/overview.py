"""What the Overview counts: changes, failed attempts and routine events, and active actors.

A change is an event that is neither routine (reads, checks, run-time enforcement) nor a failed
attempt; the three together are all events.
"""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, replace

from trail.core.catalogue import DESTRUCTIVE_KINDS, FAILED_KINDS, NO_CHANGE_KINDS, ROUTINE_KINDS
from trail.core.clock import utc_text
from trail.events import timeline
from trail.events.count_source import count_source
from trail.storage.engine import Engine
from trail.storage.filters import YES, Choice, Filter, Window

_HOUR, _DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
# Longest window and width of its bars; `48h` begins with a whole hour, so it may be longer.
_GRAINS = ((6 * _HOUR, dt.timedelta(minutes=15)), (2 * _DAY + _HOUR, _HOUR))
_OF_TYPE = "e.actor_key in (select actor_key from actors where actor_type = $type)"


@dataclass(frozen=True, slots=True)
class Actors:
    """Numbers of active actors of one type: in the window, new in it, and in each of its bars."""

    active: int
    new: int
    by_bar: list[int]


def changes(filter_: Filter) -> Filter:
    """Return *filter_* narrowed to changes."""
    return filter_.without("kind", "changes").put("changes", YES, "include")


def in_one_choice(filter_: Filter) -> Filter:
    """Return *filter_* with the kinds that earlier versions excluded for changes as that choice."""
    kinds = filter_.choice("kind")
    excluded = tuple(kind for kind in kinds.exclude if kind not in NO_CHANGE_KINDS)
    if filter_.choice("changes") or len(kinds.exclude) - len(excluded) < len(NO_CHANGE_KINDS):
        return filter_
    left = {name: choice for name, choice in filter_.choices.items() if name != "kind"}
    if kept := Choice(kinds.include, excluded):
        left["kind"] = kept
    return replace(filter_, choices=left).put("changes", YES, "include")


def failures(filter_: Filter) -> Filter:
    """Return *filter_* narrowed to failed attempts and partial runs."""
    return _kinds(filter_, include=FAILED_KINDS)


def destructive(filter_: Filter) -> Filter:
    """Return *filter_* narrowed to deletions, deactivations and disconnections."""
    return _kinds(filter_, include=tuple(sorted(DESTRUCTIVE_KINDS)))


def routine(filter_: Filter) -> Filter:
    """Return *filter_* narrowed to routine events."""
    return _kinds(filter_, include=tuple(sorted(ROUTINE_KINDS)))


def grain(window: Window) -> dt.timedelta:
    """Return the width of the bars of the Overview: hours for up to two days, else days."""
    assert window.start and window.end
    length = window.end - window.start
    return next((width for longest, width in _GRAINS if length <= longest), _DAY)


def category_totals(engine: Engine, filter_: Filter, now: dt.datetime) -> Counter[str]:
    """Return the events of *filter_* by category."""
    totals = Counter[str]()
    for _, counted in timeline.by_category(engine, filter_, now):
        totals.update(counted)
    return totals


def actors(
    engine: Engine, filter_: Filter, now: dt.datetime, actor_type: str, width: dt.timedelta
) -> Actors:
    """Return the actors of *actor_type* among the events of *filter_*, by bars of *width*.

    New actors have no stored event before the window.
    """
    window = timeline.bounded(engine, filter_.window(now), now)
    assert window.start and window.end
    whole = width >= _HOUR and timeline.whole_hours(filter_, window)
    current = count_source(engine, filter_, now, by_actor=True, whole_hours=whole)
    earlier = count_source(engine, Filter(end=utc_text(window.start)), now, by_actor=True)
    params = {**current.params, **earlier.params, "type": actor_type}
    row = engine.table(
        f"with active_now as (select distinct e.actor_key from {current.source} and {_OF_TYPE}) "
        "select (select count(*) from active_now) as active, "
        "(select count(*) from active_now where actor_key not in "
        f"(select e.actor_key from {earlier.source})) as new",
        params,
    ).to_pylist()[0]
    bucket = timeline.bucket_sql(current.time, width, filter_, window)
    by_bar = engine.table(
        f"select {bucket} as bucket, count(distinct e.actor_key) as n "
        f"from {current.source} and {_OF_TYPE} group by all",
        params,
    )
    numbers = dict(zip(by_bar["bucket"].to_pylist(), by_bar["n"].to_pylist(), strict=True))
    bars = timeline.empty_bars(window, width, filter_)
    return Actors(row["active"], row["new"], [numbers.get(key, 0) for key in bars])


def active_actors(engine: Engine, filter_: Filter, now: dt.datetime, actor_type: str) -> int:
    """Return the number of actors of *actor_type* among the events of *filter_*."""
    rows = count_source(engine, filter_, now, by_actor=True)
    table = engine.table(
        f"select count(distinct e.actor_key) as n from {rows.source} and {_OF_TYPE}",
        {**rows.params, "type": actor_type},
    )
    number: int = table["n"][0].as_py()
    return number


def _kinds(filter_: Filter, include: tuple[str, ...]) -> Filter:
    others = filter_.without("kind", "changes")
    return replace(others, choices={**others.choices, "kind": Choice(include)})
