"""Run a text search once and share its matches between the queries of a page.

Scanning raw records is slow; facets, histogram and page would otherwise each repeat it.
"""

import contextlib
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

from trail.storage import cube
from trail.storage.database import Engine, Store
from trail.storage.filters import Filter
from trail.storage.where import select

# The columns that other queries read; the raw record is needed for the search only.
_EVENTS = """
select event_id, occurred_at, ingested_at, action_key, actor_key, target_key, target_type,
 identity_key, workspace_id, verified, batch_id, unverified, future_dated
from events e where {}
"""


@contextlib.contextmanager
def search_matches(
    store: Store, filter_: Filter, now: dt.datetime
) -> Iterator[tuple[Engine, Filter]]:
    """Yield an engine limited to the matches of *filter_*'s search, and the filter without it.

    Without a search, the engine is *store* itself.
    """
    if not filter_.q:
        yield store, filter_
        return
    selection = select(store, filter_.without(*filter_.choices), now)
    tables = {"events": _EVENTS.format(selection.timed())}
    tables |= {table: cube.counted(table) for table in cube.KEYS}
    with store.narrowed(tables, selection.params) as engine:
        yield engine, replace(filter_, q=())
