"""Find the previous event and the next failure of an event's target, and its filter.

A target without an id is identified by its name, like the facet "target" does.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trail.events import events
from trail.events.cursor import Cursor
from trail.events.search_results import search_matches
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Filter

# An end alone: pages replace a missing range by the last days.
_END_OF_TIME = "9999-12-31"


def target_filter(event: Mapping[str, Any], tz: str = "UTC") -> Filter | None:
    """Return the filter for all events of the target of *event*; None if it has none."""
    value = event["target_id"] or event["target_name"]
    if not value:
        return None
    return Filter(end=_END_OF_TIME, tz=tz).put("target", str(value), "include")


def previous_event(
    engine: Engine, event: Mapping[str, Any], now: dt.datetime, action: str = ""
) -> dict[str, Any] | None:
    """Return the event before *event* on its target, complete with its raw record, or None.

    With *action*, the latest one before it of that action.
    """
    filter_ = target_filter(event)
    if filter_ is None:
        return None
    if action:
        filter_ = filter_.put("action", action, "include")
    edge = Cursor(event["occurred_at"], event["event_id"])
    page = events.page(engine, filter_, now, after=edge, rows=1)
    if not page.rows:
        return None
    return events.get(engine, page.rows[0]["event_id"], page.rows[0]["occurred_at"])


def next_failure(
    engine: Store, event: Mapping[str, Any], filter_: Filter, now: dt.datetime
) -> dict[str, Any] | None:
    """Return the next failed event of the target of *event*, else of *filter_*, or None.

    Events of any time count for the target, for the filter those of its window.
    """
    edge = Cursor(event["occurred_at"], event["event_id"])
    for candidate in (target_filter(event), filter_):
        if candidate is None or candidate.state("outcome", "failure") == "exclude":
            continue
        failed = replace(candidate.without("outcome"), sort="oldest")
        failed = failed.put("outcome", "failure", "include")
        with search_matches(engine, failed, now) as (matches, rest):
            page = events.page(matches, rest, now, after=edge, rows=1)
        if page.rows:
            return page.rows[0]
    return None
