"""Failed attempts by target and local day, for the strip of days under the incidents."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, replace

from trail.events import timeline
from trail.incidents.materialize import ATTEMPTS, catch_up
from trail.storage.database import Engine
from trail.storage.filters import Filter
from trail.storage.where import select


@dataclass(frozen=True, slots=True)
class Strip:
    """Failed attempts of one action on one target; `by_day` has one count per day of `Strips`."""

    action: str
    target_type: str
    target_id: str
    target_name: str
    attempts: int
    by_day: list[int]


@dataclass(frozen=True, slots=True)
class Strips:
    """Local days (their starts in UTC, without zone) and the targets with the most attempts.

    `more` counts the targets that are not included.
    """

    days: list[dt.datetime]
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
        "max(e.target_key) as target_key "
        f"from (select * from {ATTEMPTS} e where {selection.timed()}) e "
        "join incidents i using (incident_id) group by all), "
        "whole as (select action, target, sum(n)::bigint as attempts, "
        "max(target_key) as target_key, count(*) over () as targets from days group by all "
        f"order by attempts desc, action, target limit {int(most)}) "
        "select w.action, w.target, w.attempts, w.targets, t.target_type, t.target_id, "
        "t.target_name, d.day, d.n from whole w join days d using (action, target) "
        "join targets t on t.target_key = w.target_key "
        "order by w.attempts desc, w.action, w.target, d.day",
        selection.params,
    )
    numbers: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(bars))
    first_rows = {}
    for row in table.to_pylist():
        key = (row["action"], row["target"])
        first_rows[key] = row
        if row["day"] in positions:
            numbers[key][positions[row["day"]]] += row["n"]
    result = [
        Strip(
            row["action"],
            row["target_type"],
            row["target_id"],
            row["target_name"],
            row["attempts"],
            numbers[key],
        )
        for key, row in first_rows.items()
    ]
    targets = next(iter(first_rows.values()))["targets"] if first_rows else 0
    return Strips([bar.start for bar in bars], result, targets - len(result))
