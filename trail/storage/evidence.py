"""The events behind findings, for filters: those in the spans of the table `finding_evidence`.

The findings maintain that table; here it is only read.
"""

from collections.abc import Iterable

from trail.storage.engine import Engine, Params
from trail.storage.filters import Choice, Window
from trail.storage.sql_span import span

# Where the events are, by key, so that events are joined on integers.
_SPANS = """
select distinct f.state, p.actor_key, a.action_key, f.since, f.upto
from finding_evidence f join actors p using (actor_id)
join actions a on f.action is null or a.action = f.action
where a.action <> 'Permission Check'
"""

# A FROM clause of the events `e` behind findings, with the `state`, to be continued with `and`.
EVENTS = f"""
events e join ({_SPANS}) f on f.actor_key = e.actor_key and f.action_key = e.action_key
and f.since <= e.occurred_at and f.upto >= e.occurred_at
where not e.unverified and not e.future_dated
"""


def condition(engine: Engine, choice: Choice, window: Window, params: Params) -> str:
    """Return the condition that *choice* holds for an event `e` in *window*; empty without one.

    The events, which are few, are looked up once; *params* gets their times and ids. A hash of the
    times is probed several times faster than one of ids.
    """
    parts = []
    for values, word in ((choice.include, ""), (choice.exclude, "not ")):
        if values:
            name = f"evidence_{'out' if word else 'in'}"
            params |= _events(engine, values, window, name)
            parts.append(
                f"{word}(e.occurred_at in (select unnest(${name}_at::timestamp[])) "
                f"and e.event_id in (select unnest(${name}_id::varchar[])))"
            )
    return " and ".join(parts)


def _events(engine: Engine, states: Iterable[str], window: Window, name: str) -> Params:
    found = engine.table(
        f"select distinct e.occurred_at, e.event_id from {EVENTS} "
        f"and {span(window, 'e.occurred_at')} and list_contains($states, f.state)",
        {"states": list(states)},
    )
    return {
        f"{name}_at": found["occurred_at"].to_pylist(),
        f"{name}_id": found["event_id"].to_pylist(),
    }
