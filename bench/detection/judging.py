"""Evaluate a method: which planted scenarios its alerts within the budget contain.

All methods use the product's budget (`trail.findings.budget`). The product's findings name their
evidence, a fifth of which must belong to the scenario. Other methods name none: any event of the
scenario on the actor's day is enough, which favors them.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.detection import rivals
from bench.detection.world import Event, Planted
from trail.findings import budget, queries
from trail.findings.budget import Scored
from trail.findings.refresh import refresh
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

_SHARE = 0.2
BENIGN = "benign"


@dataclass(slots=True)
class Outcome:
    """Detection results of one method on one workspace at one budget."""

    first: dict[str, dt.date | None]  # day of the first correct alert, by scenario
    days: int
    shown: int = 0
    right: int = 0
    alike: int = 0  # alerts about benign look-alikes

    def recall(self, planted: Mapping[str, Planted], list_: str) -> float:
        """Return the share of the scenarios of *list_* that were found."""
        hits = [self.first[name] is not None for name, p in planted.items() if p.list == list_]
        return sum(hits) / len(hits)

    def hours(self, planted: Mapping[str, Planted], list_: str) -> list[float]:
        """Return the hours from the first event to detection, for each detected scenario."""
        return [
            (
                dt.datetime.combine(first + dt.timedelta(days=1), dt.time(), dt.UTC)
                - planted[name].seen_from
            )
            / dt.timedelta(hours=1)
            for name, first in self.first.items()
            if first is not None and planted[name].list == list_
        ]


Truth = dict[tuple[str, dt.date], set[str]]
Results = dict[tuple[str, float], Outcome]  # by method and budget


def truth(events: Iterable[Event]) -> Truth:
    """Return the scenarios with events on each actor's UTC day."""
    scenarios: Truth = defaultdict(set)
    for event in events:
        if event.label:
            scenarios[event.actor, event.at.date()].add(event.label)
    return scenarios


def judge(
    store: Store,
    planted: Mapping[str, Planted],
    by_day: Truth,
    now: dt.datetime,
    budgets: Iterable[float],
    *,
    others: bool = True,
) -> Results:
    """Run the product's findings up to *now*, and return the outcomes of all methods."""
    refresh(store, now)
    labels = {event_id: name for name, scenario in planted.items() for event_id in scenario.ids}
    methods = rivals.alerts(store) if others else {}
    opened = store.table("select min(day) as day from daily_actions")["day"][0].as_py()
    span = (now.date() - opened).days + 1
    results: Results = {}
    for per_day in budgets:
        ours = queries.queue(store, Filter(), now, per_day=per_day).findings
        outcome = Outcome(dict.fromkeys(planted), span)
        for finding, ids in queries.event_ids(store, ours):
            named = [labels[event_id] for event_id in ids if event_id in labels]
            mine = [name for name in named if planted[name].list != BENIGN]
            alike = [name for name in named if planted[name].list == BENIGN]
            held = set(mine) if len(mine) >= _SHARE * len(ids) else set()
            if not held and len(alike) >= _SHARE * len(ids):
                held = set(alike)
            _count(outcome, planted, held, finding.day)
        results[rivals.OURS, per_day] = outcome
        for name, alerts in methods.items():
            results[name, per_day] = _of_alerts(alerts, planted, by_day, opened, now, per_day, span)
    return results


def _of_alerts(
    alerts: list[rivals.Alert],
    planted: Mapping[str, Planted],
    by_day: Truth,
    opened: dt.date,
    now: dt.datetime,
    per_day: float,
    span: int,
) -> Outcome:
    scored = [Scored(str(n), a.day, a.actor, a.score) for n, a in enumerate(alerts)]
    shown = budget.apply_budget(scored, opened, now.date(), per_day).shown
    outcome = Outcome(dict.fromkeys(planted), span)
    for number in sorted(shown, key=int):
        alert = alerts[int(number)]
        held = by_day.get((alert.actor, alert.day), set())
        _count(outcome, planted, held, alert.day)
    return outcome


def _count(outcome: Outcome, planted: Mapping[str, Planted], held: set[str], day: dt.date) -> None:
    """Count one alert about the scenarios *held*; an alert before a scenario starts is wrong."""
    seen = {name for name in held if day >= planted[name].seen_from.date()}
    outcome.shown += 1
    right = any(planted[name].list != BENIGN for name in seen)
    outcome.right += right
    outcome.alike += bool(seen) and not right
    for name in seen:
        first = outcome.first[name]
        if first is None or day < first:
            outcome.first[name] = day
