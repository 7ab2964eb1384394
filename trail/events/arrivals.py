"""Events that arrived since a page was drawn, counted at a bounded cost."""

import datetime as dt
from typing import Any

from trail.events import events
from trail.storage import cursors
from trail.storage.engine import Engine
from trail.storage.filters import Filter
from trail.storage.where import literal, select, span

# More than so many are not counted.
MOST = 1_000


def newest(engine: Engine) -> dt.datetime:
    """Return when the newest events arrived (UTC, without zone), or the year 1 without any."""
    return cursors.kept(engine) or dt.datetime.min  # noqa: DTZ901 - UTC


def latest(engine: Engine, rows: int) -> list[dict[str, Any]]:
    """Return the latest *rows* events by arrival, in the form of `events.get`, newest first."""
    found = engine.table(
        "select event_id, occurred_at from events "
        f"order by ingested_at desc, occurred_at desc limit {rows:d}"
    ).to_pylist()
    named = (events.get(engine, row["event_id"], row["occurred_at"]) for row in found)
    return [row for row in named if row]


def count_since(engine: Engine, filter_: Filter, now: dt.datetime, since: dt.datetime) -> int:
    """Return how many events arrived after *since* and match *filter_* at *now* (aware).

    At most `MOST` + 1. Without an arrival since, no event is read.
    """
    if newest(engine) <= since:
        return 0
    selection = select(engine, filter_, now)
    table = engine.table(
        "select count(*) as n from (select 1 from events e "
        f"where e.ingested_at > {literal(since)} and {span(selection.window, 'e.occurred_at')} "
        f"and {selection.where} limit {MOST + 1})",
        selection.params,
    )
    return int(table["n"][0].as_py())
