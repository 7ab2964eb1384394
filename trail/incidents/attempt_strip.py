"""Failed attempts by target and local day, for the strip of days under the incidents."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from trail.core.clock import naive_utc
from trail.events import covered, timeline
from trail.incidents.grouping import MAX_ATTEMPTS
from trail.incidents.materialize import ATTEMPTS, catch_up
from trail.storage.engine import Engine
from trail.storage.filters import Filter, Window
from trail.storage.where import select


@dataclass(frozen=True, slots=True)
class Strip:
    """Failed attempts of one action on one target, with one value per day of `Strips`.

    `by_day` counts them, `exhausted` says whether a run failed on every attempt. `target` is that
    of incidents.
    """

    action: str
    target: str
    target_type: str
    target_id: str
    target_name: str
    attempts: int
    by_day: list[int]
    exhausted: list[bool]


@dataclass(frozen=True, slots=True)
class Strips:
    """Local days (their starts in UTC, without zone) and the targets with the most attempts.

    `no_data` says for each day whether most of it is not known, `more` counts the targets that are
    not included.
    """

    days: list[dt.datetime]
    no_data: list[bool]
    strips: list[Strip]
    more: int


def strips(
    engine: Engine, filter_: Filter, now: dt.datetime, *, days: int = 30, most: int = 40
) -> Strips:
    """Return the attempts that *filter_* selects in the last *days* local days, by target.

    Days are those of the filter's zone; its time range is ignored.
    """
    catch_up(engine)
    recent = replace(filter_, start=f"{days}d", end="", q=())
    window = timeline.bounded(engine, replace(recent, end="0h").window(now), now)
    selection = select(engine, recent, now)
    bars = timeline.local_days(window, filter_.zone)
    positions = {timeline.day_key(bar, filter_.zone): position for position, bar in enumerate(bars)}
    table = engine.table(
        "with days as (select i.action, i.target, "
        f"{timeline.local_day_sql('e.occurred_at', filter_.zone, window)} as day, count(*) as n, "
        f"max(e.target_key) as target_key, max(e.size) >= {MAX_ATTEMPTS} as exhausted "
        "from (select *, count(*) over (partition by incident_id, run) as size "
        f"from {ATTEMPTS} e where {selection.timed()}) e "
        "join incidents i using (incident_id) group by all), "
        "whole as (select action, target, sum(n)::bigint as attempts, "
        "max(target_key) as target_key, count(*) over () as targets from days group by all "
        f"order by attempts desc, action, target limit {int(most)}) "
        "select w.action, w.target, w.attempts, w.targets, t.target_type, t.target_id, "
        "t.target_name, d.day, d.n, d.exhausted from whole w join days d using (action, target) "
        "join targets t on t.target_key = w.target_key "
        "order by w.attempts desc, w.action, w.target, d.day",
        selection.params,
    )
    numbers: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(bars))
    exhausted: dict[tuple[str, str], list[bool]] = defaultdict(lambda: [False] * len(bars))
    first_rows = {}
    for row in table.to_pylist():
        key = (row["action"], row["target"])
        first_rows[key] = row
        if row["day"] in positions:
            numbers[key][positions[row["day"]]] += row["n"]
            exhausted[key][positions[row["day"]]] |= row["exhausted"]
    result = [
        Strip(
            row["action"],
            row["target"],
            row["target_type"],
            row["target_id"],
            row["target_name"],
            row["attempts"],
            numbers[key],
            exhausted[key],
        )
        for key, row in first_rows.items()
    ]
    targets = next(iter(first_rows.values()))["targets"] if first_rows else 0
    missing = _no_data(engine, bars, naive_utc(now), filter_.zone)
    return Strips([bar.start for bar in bars], missing, result, targets - len(result))


def names(strips: Sequence[Strip]) -> list[str]:
    """Return the name of the target of each of *strips*, with the action where several share it."""
    targets = [strip.target_name or strip.target_id or strip.action for strip in strips]
    uses = Counter(targets)
    return [
        f"{name} · {strip.action}" if uses[name] > 1 else name
        for name, strip in zip(targets, strips, strict=True)
    ]


def _no_data(
    engine: Engine, bars: list[timeline.Bar], now: dt.datetime, zone: ZoneInfo
) -> list[bool]:
    """Return for each day whether it is not known what happened in more than half of it."""
    if not bars:
        return []
    known = covered.covered(engine, Window(bars[0].start, min(bars[-1].end, now)), now, zone)
    return [known.is_unknown(bar.start, min(bar.end, now)) for bar in bars]
