"""A search, run once for all that a page asks about what it found.

Looking through raw records is the one slow thing; facets, histogram and page would each repeat it.
"""

import contextlib
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

from trail.storage.database import Engine, Store
from trail.storage.filters import Filter
from trail.storage.where import select

# What the other queries read of an event; the raw record has done its part.
_EVENTS = """
select event_id, occurred_at, ingested_at, action_key, actor_key, target_key, target_type,
 workspace_id, verified, batch_id
from events e where {}
"""
_CUBE = """
select date_trunc('hour', occurred_at) as hour, action_key, actor_type, target_type, workspace_id,
 count(*) as n
from events join actors using (actor_key) group by all
"""


@contextlib.contextmanager
def searched(store: Store, filter_: Filter, now: dt.datetime) -> Iterator[tuple[Engine, Filter]]:
    """Give an engine that knows only what the search of *filter_* found, and the rest of it.

    Without a search that is the store itself. Facets stay what they are: a search narrows them all.
    """
    if not filter_.q:
        yield store, filter_
        return
    found = select(store, filter_.without(*filter_.choices), now)
    with store.narrowed(
        {"events": _EVENTS.format(found.timed()), "cube": _CUBE}, found.params
    ) as engine:
        yield engine, replace(filter_, q=())
