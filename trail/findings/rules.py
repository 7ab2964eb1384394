"""Rules: which there are, and what each would have found.

Separate from the statistics: a rule looks at a change whenever it happens, usual or not. Its rows
can be seen before it is switched on.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from trail import registry
from trail.errors import InputError
from trail.filters import Filter, Window
from trail.findings.model import Rule
from trail.selection import select, span
from trail.store import Engine, Params

_BACK = dt.timedelta(days=7)
_ROWS = 200

_LISTED = (
    "event_id, occurred_at, action, category, kind, risk, actor_id, actor_type, actor_email, "
    "actor_name, target_type, target_id, target_name"
)


@dataclass(frozen=True, slots=True)
class Fired:
    """What a rule would have found: how often, on which events (newest first, not all of them)."""

    rule: Rule
    days: int
    count: int
    rows: list[dict[str, Any]]

    @property
    def sentence(self) -> str:
        """Return the count in words."""
        times = "once" if self.count == 1 else f"{self.count:,} times"
        return f"would have fired {times} in {self.days} days"


def rules() -> list[Rule]:
    """Return every rule, by name."""
    found = registry.discover("detectors", "DETECTOR").values()
    return sorted((each for each in found if isinstance(each, Rule)), key=lambda rule: rule.name)


def rule(name: str) -> Rule:
    """Return the rule called *name*; raises `InputError` when there is none."""
    for each in rules():
        if each.name == name:
            return each
    raise InputError(f"There is no rule {name!r}.", "Choose one of the list.")


def fired(
    engine: Engine, rule_: Rule, now: dt.datetime, *, days: int = 90, rows: int = _ROWS
) -> Fired:
    """Return what *rule_* would have found in the *days* before *now* (no zone: UTC).

    At most *rows* of the events, newest first.
    """
    moment = now.astimezone(dt.UTC).replace(tzinfo=None) if now.tzinfo else now
    window = Window(moment - dt.timedelta(days=days), moment + dt.timedelta(microseconds=1))
    sql, params = chosen(engine, rule_, window)
    count = engine.table(f"select count(*) as n from ({sql})", params)["n"][0].as_py()
    found = engine.table(
        f"with chosen as ({sql}) select {_LISTED} from event_rows where event_id in "
        f"(select event_id from chosen) and {span(window, 'occurred_at')} "
        f"order by occurred_at desc, event_id limit {int(rows)}",
        params,
    )
    return Fired(rule_, days, int(count), found.to_pylist())


def chosen(engine: Engine, rule_: Rule, window: Window) -> tuple[str, Params]:
    """Return the SELECT of `event_id, occurred_at, actor_key` that *rule_* finds in *window*."""
    if rule_.query:
        selection = select(engine, Filter.parse(rule_.query), dt.datetime.now(dt.UTC))
        where = f"{span(window, 'e.occurred_at')} and {selection.where}"
        return f"select e.event_id, e.occurred_at, e.actor_key from events e where {where}", (
            selection.params
        )
    wide = Window(window.start - _BACK if window.start else None, window.end)
    return (
        f"with changes as (select {_LISTED} from event_rows where {span(wide, 'occurred_at')}), "
        f"identities as ({_IDENTITIES}), found as ({rule_.sql}) "
        "select e.event_id, e.occurred_at, e.actor_key from events e "
        f"where {span(window, 'e.occurred_at')} and e.event_id in (select event_id from found)",
        {},
    )


_IDENTITIES = (
    "select p.actor_id, p.actor_type, min(d.first_at) as first_at, "
    "(select min(first_at) from daily_actions) as opened "
    "from daily_actions d join actors p using (actor_key) group by p.actor_id, p.actor_type"
)
