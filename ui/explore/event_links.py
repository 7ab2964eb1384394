"""Addresses of Explore that the sections of the event panel lead to."""

import datetime as dt
from urllib.parse import urlencode

from trail.storage.filters import Filter
from ui import url_state

# The times of events by id: an event is opened by both.
Places = dict[str, dt.datetime]


class EventLinks:
    """Links that keep a filter; `places` collects the events that they lead to."""

    def __init__(self, filter_: Filter) -> None:
        """Keep *filter_* in links to events."""
        self._filter = filter_
        self.places: Places = {}

    def to_event(self, event_id: str, at: dt.datetime) -> str:
        """Return the address of the event at time *at*, beside the list of the filter."""
        self.places[event_id] = at
        return self.to_list(self._filter, event=event_id, at=at.isoformat())

    def to_list(self, filter_: Filter, **names: str) -> str:
        """Return the address of the events of *filter_*, with page parameters *names*."""
        pairs = url_state.query_params(filter_, **names)
        return f"/explore?{urlencode(pairs, doseq=True)}"
