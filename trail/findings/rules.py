"""Rules: which exist, which events each matches, and back-tests before a rule is enabled."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from trail.core import registry
from trail.core.clock import naive_utc
from trail.core.errors import InputError
from trail.findings.detector import Rule
from trail.storage.engine import Engine, Params
from trail.storage.filters import Filter, Window
from trail.storage.where import select, span

_LOOK_BACK = dt.timedelta(days=7)
_ROWS = 200
# The days of a back-test.
BACK_TEST_DAYS = 90

_COLUMNS = (
    "event_id, occurred_at, action, category, kind, risk, actor_id, actor_type, actor_email, "
    "actor_name, target_type, target_id, target_name"
)


@dataclass(frozen=True, slots=True)
class BackTest:
    """The number of events a rule matches in past days, and the newest of them."""

    rule: Rule
    days: int
    count: int
    rows: list[dict[str, Any]]

    @property
    def summary(self) -> str:
        """Return the number of matches and the period."""
        return f"{self.count:,} match{'' if self.count == 1 else 'es'} in the last {self.days} days"


def rules() -> list[Rule]:
    """Return all rules, by name."""
    discovered = registry.discover("detectors", "DETECTOR").values()
    return sorted((r for r in discovered if isinstance(r, Rule)), key=lambda rule: rule.name)


def rule(name: str) -> Rule:
    """Return the rule called *name*; raises `InputError` when there is none."""
    for candidate in rules():
        if candidate.name == name:
            return candidate
    known = ", ".join(candidate.name for candidate in rules())
    raise InputError(f"Unknown rule {name!r}.", f"Known: {known}.")


def back_test(
    engine: Engine, rule_: Rule, now: dt.datetime, *, days: int = BACK_TEST_DAYS, rows: int = _ROWS
) -> BackTest:
    """Return what *rule_* matches in the *days* before *now* (UTC if naive).

    Includes at most *rows* events, newest first.
    """
    moment = naive_utc(now)
    window = Window(moment - dt.timedelta(days=days), moment + dt.timedelta(microseconds=1))
    sql, params = matching_events(engine, rule_, window)
    newest = engine.table(
        "select event_id, occurred_at, count(*) over () as n "
        f"from ({sql}) order by occurred_at desc, event_id limit {int(rows)}",
        params,
    )
    if not newest.num_rows:
        return BackTest(rule_, days, 0, [])
    times = newest["occurred_at"].to_pylist()
    event_window = Window(times[-1], times[0] + dt.timedelta(microseconds=1))
    events = engine.table(
        f"select {_COLUMNS} from event_rows where list_contains($ids, event_id) "
        f"and {span(event_window, 'occurred_at')} order by occurred_at desc, event_id",
        {"ids": newest["event_id"].to_pylist()},
    )
    return BackTest(rule_, days, int(newest["n"][0].as_py()), events.to_pylist())


def matching_events(engine: Engine, rule_: Rule, window: Window) -> tuple[str, Params]:
    """Return the SELECT of the events that *rule_* matches in *window*, and its parameters.

    Columns: event_id, occurred_at, actor_key, action, earlier, preceding; each event once.
    `earlier` is the latest time of what came before it (UTC), null for a rule without `earlier`;
    `preceding` has actor_id, action and occurred_at (UTC) of that, null if it was no event.
    """
    if rule_.query:
        selection = select(engine, Filter.parse(rule_.query), dt.datetime.now(dt.UTC))
        where = f"{span(window, 'e.occurred_at')} and {selection.where}"
        return (
            "select e.event_id, e.occurred_at, e.actor_key, a.action, null::timestamp as earlier, "
            f"null::{_PRECEDING} as preceding "
            f"from trusted_events e join actions a using (action_key) where {where}",
            selection.params,
        )
    with_look_back = Window(window.start - _LOOK_BACK if window.start else None, window.end)
    changes = _CHANGES.format(span(with_look_back, "e.occurred_at"))
    earlier = rule_.earlier or "null::timestamp"
    preceding = f"null::{_PRECEDING}"
    if rule_.preceding:
        actor, action = rule_.preceding
        preceding = (
            f"struct_pack(actor_id := {actor}, action := {action}, occurred_at := {earlier})"
        )
    # Not materialized, so that each use is filtered before it is joined.
    return (
        f"with changes as not materialized ({changes}), "
        f"identities as ({_IDENTITIES}) "
        "select event_id, occurred_at, actor_key, action, "
        f"max({earlier}) as earlier, arg_max({preceding}, {earlier}) as preceding "
        f"from ({rule_.sql}) "
        f"where {span(window, 'occurred_at')} group by all",
        {},
    )


_PRECEDING = "struct(actor_id varchar, action varchar, occurred_at timestamp)"
_CHANGES = (
    "select e.event_id, e.occurred_at, e.actor_key, p.actor_id, p.actor_type, a.action, a.kind, "
    "a.risk, t.target_type, t.target_id, t.target_name from trusted_events e "
    "join actions a using (action_key) join actors p using (actor_key) "
    "join targets t using (target_key) where {}"
)

_IDENTITIES = (
    "select p.actor_id, p.actor_type, min(d.first_at) as first_at, "
    "(select min(first_at) from daily_actions) as opened "
    "from daily_actions d join actors p using (actor_key) group by p.actor_id, p.actor_type"
)
