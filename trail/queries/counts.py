"""How many: facets, the histogram, totals. From the cube where the filter allows, else by scan."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from trail import zones
from trail.filters import Filter, Window
from trail.selection import Selection, is_on_cube, select, span
from trail.store import Engine

# The facets that `facets` counts, in the order in which pages show them.
COUNTED = ("category", "action", "actor", "actor_type", "target_type", "outcome", "kind")

_BY_ACTION = ("category", "action", "outcome", "kind")
_BY_ACTOR = ("actor", "actor_type")

_HOUR = dt.timedelta(hours=1)
# Grain of a histogram: for windows up to so long, bars of so long.
_GRAINS = (
    (dt.timedelta(hours=2), dt.timedelta(minutes=1)),
    (dt.timedelta(hours=8), dt.timedelta(minutes=5)),
    (dt.timedelta(hours=36), dt.timedelta(minutes=15)),
    (dt.timedelta(days=8), _HOUR),
)
_DAY = dt.timedelta(days=1)
# No chart has more days than this.
_LONGEST = dt.timedelta(days=2000)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a facet: what the filter says, what people read, and how many events."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram: its span in UTC, without zone, and how many events."""

    start: dt.datetime
    end: dt.datetime
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bars without gaps, oldest first, and how wide they are."""

    bars: tuple[Bar, ...]
    grain: dt.timedelta


def count(engine: Engine, filter_: Filter, now: dt.datetime) -> int:
    """Return how many events *filter_* chooses."""
    rows = _rows(engine, filter_, now)
    return int(
        engine.table(f"select {rows.n} as n from {rows.source}", rows.params)["n"][0].as_py() or 0
    )


def facets(engine: Engine, filter_: Filter, now: dt.datetime) -> dict[str, list[Value]]:
    """Return each facet's values, most first; each counted with all filters except its own."""
    return facets_and_count(engine, filter_, now)[0]


def facets_and_count(
    engine: Engine, filter_: Filter, now: dt.datetime
) -> tuple[dict[str, list[Value]], int]:
    """Return what `facets` and `count` do, in one go: the count falls off the facets."""
    by_action, chosen = _action_facets(engine, filter_, now)
    found = {
        **by_action,
        **_actor_facets(engine, filter_, now),
        "target_type": _target_types(engine, filter_, now),
    }
    return {name: found[name] for name in COUNTED}, chosen


def actors(engine: Engine, filter_: Filter, now: dt.datetime) -> list[Value]:
    """Return the actors of what *filter_* chooses, all of its conditions holding, most first."""
    rows = _rows(engine, filter_, now, cube=False)
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


def histogram(
    engine: Engine, filter_: Filter, now: dt.datetime, grain: dt.timedelta | None = None
) -> Histogram:
    """Return the events of *filter_* over time; days are those of the filter's zone."""
    window = bounded(engine, filter_.window(now), now)
    assert window.start and window.end
    grain = grain or grain_of(window)
    whole = grain >= _HOUR and _whole_hours(filter_, window)
    rows = _rows(engine, filter_, now, cube=whole)
    if grain >= _DAY:
        bucket = day_of(rows.time, filter_.zone, window)
    else:
        # Bars shorter than a day stay apart when the clock goes back: cut on UTC, not the clock.
        bucket = (
            f"time_bucket(to_seconds({int(grain.total_seconds())}), {rows.time}, "
            f"timestamp '{_origin(grain, filter_, window)}')"
        )
    table = engine.table(
        f"select {bucket} as bucket, {rows.n} as n from {rows.source} group by all", rows.params
    )
    counts = dict(zip(table["bucket"].to_pylist(), table["n"].to_pylist(), strict=True))
    return Histogram(tuple(_bars(window, grain, filter_, counts)), grain)


def by_category(
    engine: Engine, filter_: Filter, now: dt.datetime
) -> list[tuple[dt.datetime, str, int]]:
    """Return (start of the local day in UTC, category, events) for what *filter_* chooses."""
    window = bounded(engine, filter_.window(now), now)
    rows = _rows(engine, filter_, now, cube=_whole_hours(filter_, window))
    table = engine.table(
        "select day, category, sum(n)::bigint as n from ("
        f"select {day_of(rows.time, filter_.zone, window)} as day, e.action_key, {rows.n} as n "
        f"from {rows.source} group by all) join actions using (action_key) group by all",
        rows.params,
    )
    starts = {day_key(bar, filter_.zone): bar.start for bar in days_of(window, filter_.zone)}
    return [
        (starts[row["day"]], row["category"], row["n"])
        for row in table.to_pylist()
        if row["day"] in starts
    ]


def day_of(column: str, zone: ZoneInfo, window: Window) -> str:
    """Return SQL for the local day of *column* (UTC), as `day_key` names it."""
    return f"date_trunc('day', {zones.local(column, zone, window)})"


def day_key(bar: Bar, zone: ZoneInfo) -> dt.datetime:
    """Return the name that `day_of` gives the local day that starts with *bar*."""
    day = bar.start.replace(tzinfo=dt.UTC).astimezone(zone).date()
    return dt.datetime.combine(day, dt.time())


def days_of(window: Window, zone: ZoneInfo) -> list[Bar]:
    """Return the local days that *window* (both ends set) touches, with counts of 0."""
    assert window.start and window.end
    day = window.start.replace(tzinfo=dt.UTC).astimezone(zone).date()
    start, bars = _midnight(day, zone), []
    while start < window.end:
        day += _DAY
        end = _midnight(day, zone)
        bars.append(Bar(start, end, 0))
        start = end
    return bars


def _whole_hours(filter_: Filter, window: Window) -> bool:
    """Return whether the zone's clock only differs from UTC by whole hours in *window*."""
    assert window.start and window.end
    shift = zones.offsets(filter_.zone, window.start, window.end)
    return all(seconds % 3600 == 0 for _, seconds in shift)


def grain_of(window: Window) -> dt.timedelta:
    """Return how wide the bars of a histogram over *window* are."""
    assert window.start and window.end
    length = window.end - window.start
    return next((grain for longest, grain in _GRAINS if length <= longest), _DAY)


def bounded(engine: Engine, window: Window, now: dt.datetime) -> Window:
    """Return *window* with both ends: open ones at the first event, and the last or now.

    A window of many years is cut to the years that have events, so that it can be drawn.
    """
    if window.start and window.end and window.end - window.start <= _LONGEST:
        return window
    table = engine.table("select min(hour) as first, max(hour) as last from cube")
    first, last = table["first"][0].as_py(), table["last"][0].as_py()
    moment = now.astimezone(dt.UTC).replace(tzinfo=None)
    newest = max(moment, last + _HOUR if last else moment)
    end = min(window.end, newest) if window.end else newest
    start = first or end - _DAY
    if window.start:
        start = max(window.start, start) if end - window.start > _LONGEST else window.start
    return Window(min(start, end), end)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Where to count: a FROM clause, the count's expression, the time column, parameters."""

    source: str
    n: str
    time: str
    params: dict[str, object]


def _rows(engine: Engine, filter_: Filter, now: dt.datetime, *, cube: bool = True) -> _Rows:
    cube = cube and is_on_cube(filter_)
    chosen = select(engine, filter_, now, cube=cube)
    if not cube:
        return _Rows(f"events e where {chosen.timed()}", "count(*)", "e.occurred_at", chosen.params)
    return _Rows(
        f"{_hours(chosen)} e where {chosen.where}", "sum(e.n)::bigint", "e.hour", chosen.params
    )


def _hours(chosen: Selection) -> str:
    """Return the cube within the window; the parts of hours at its ends come from the events."""
    window = chosen.window
    start, end = window.start, window.end
    inner = Window(_up(start) if start else None, _down(end) if end else None)
    edges = []
    if inner.start and inner.end and inner.start >= inner.end:
        return f"({_events(span(window, 'occurred_at'))})"
    if start and inner.start and start < inner.start:
        edges.append(span(Window(start, inner.start), "occurred_at"))
    if end and inner.end and inner.end < end:
        edges.append(span(Window(inner.end, end), "occurred_at"))
    parts = [
        "select hour, action_key, actor_type, target_type, workspace_id, n from cube "
        f"where {span(inner, 'hour')}",
        *(_events(edge) for edge in edges),
    ]
    return f"({' union all '.join(parts)})"


def _events(condition: str) -> str:
    return (
        "select occurred_at as hour, action_key, actor_type, target_type, workspace_id, 1 as n "
        f"from events join actors using (actor_key) where {condition}"
    )


def _up(moment: dt.datetime) -> dt.datetime:
    floor = _down(moment)
    return floor if floor == moment else floor + _HOUR


def _down(moment: dt.datetime) -> dt.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _action_facets(
    engine: Engine, filter_: Filter, now: dt.datetime
) -> tuple[dict[str, list[Value]], int]:
    """One scan by action key answers four facets: each is a function of the action."""
    rows = _rows(engine, filter_.without(*_BY_ACTION), now)
    table = engine.table(
        "select category, action, outcome, kind, sum(n)::bigint as n from ("
        f"select e.action_key, {rows.n} as n from {rows.source} group by all"
        ") join actions using (action_key) group by all",
        rows.params,
    ).to_pylist()
    found = {}
    for name in _BY_ACTION:
        counts: Counter[str] = Counter()
        others = [other for other in _BY_ACTION if other != name]
        for row in table:
            if all(_passes(filter_, other, row) for other in others):
                counts[row[name]] += row["n"]
        found[name] = _ranked(filter_, name, counts, {})
    chosen = sum(
        row["n"] for row in table if all(_passes(filter_, name, row) for name in _BY_ACTION)
    )
    return found, chosen


def _actor_facets(engine: Engine, filter_: Filter, now: dt.datetime) -> dict[str, list[Value]]:
    rows = _rows(engine, filter_.without(*_BY_ACTOR), now, cube=False)
    table = engine.table(
        "select actor_id as actor, actor_type, actor_name, actor_email, n from ("
        f"select e.actor_key, {rows.n} as n from {rows.source} group by all"
        ") join actors using (actor_key)",
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
    """Return *filter_* without the actors that are chosen by e-mail: they are listed by id."""
    for row in rows:
        if row["actor_email"]:
            filter_ = filter_.put("actor", row["actor_email"], "")
    return filter_


def _target_types(engine: Engine, filter_: Filter, now: dt.datetime) -> list[Value]:
    rows = _rows(engine, filter_.without("target_type"), now)
    table = engine.table(
        f"select e.target_type as value, {rows.n} as n from {rows.source} group by all",
        rows.params,
    ).to_pylist()
    counts = Counter({row["value"]: row["n"] for row in table if row["value"]})
    return _ranked(filter_, "target_type", counts, {})


def _passes(filter_: Filter, name: str, row: Mapping[str, object]) -> bool:
    choice, value = filter_.choice(name), row[name]
    return (not choice.include or value in choice.include) and value not in choice.exclude


def _passes_actor(filter_: Filter, row: Mapping[str, object]) -> bool:
    choice = filter_.choice("actor")
    known = {row["actor"], row["actor_email"]}
    return (not choice.include or bool(known & set(choice.include))) and not (
        known & set(choice.exclude)
    )


def _ranked(
    filter_: Filter, name: str, counts: Counter[str], labels: Mapping[str, str]
) -> list[Value]:
    """Most first; chosen values that no event has come last, so that they can be let go."""
    choice = filter_.choice(name)
    for value in (*choice.include, *choice.exclude):
        counts.setdefault(value, 0)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Value(value, labels.get(value) or value, number) for value, number in ordered]


def _bars(
    window: Window,
    grain: dt.timedelta,
    filter_: Filter,
    counts: Mapping[dt.datetime, int],
) -> list[Bar]:
    assert window.start and window.end
    if grain >= _DAY:
        zone = filter_.zone
        return [
            replace(bar, count=counts.get(day_key(bar, zone), 0)) for bar in days_of(window, zone)
        ]
    bars = []
    origin = _origin(grain, filter_, window)
    start = origin + (window.start - origin) // grain * grain
    while start < window.end:
        bars.append(Bar(start, start + grain, counts.get(start, 0)))
        start += grain
    return bars


def _origin(grain: dt.timedelta, filter_: Filter, window: Window) -> dt.datetime:
    """Return a moment from which bars of *grain* start at round times of the filter's clock."""
    assert window.start
    east = zones.offsets(filter_.zone, window.start, window.start)[0][1]
    skew = east % int(grain.total_seconds())
    return dt.datetime(2000, 1, 1) - dt.timedelta(seconds=skew)  # noqa: DTZ001 - UTC, see Window


def _midnight(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC).replace(tzinfo=None)
