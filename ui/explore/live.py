"""The moment that a result shows, kept until it is refreshed, and the button that refreshes it.

Pages of rows, the open event and the counts stay as they are while new events arrive; the browser
asks how many did.
"""

import datetime as dt
from dataclasses import dataclass, replace

import streamlit as st

from trail.events import arrivals
from trail.storage.filters import Filter
from ui import url_state
from ui.components.new_events import NewEventsMessage, new_events
from ui.page import Context

_SHOWN, _SEEN, _LIVE = "result-shown", "result-seen", "result-live"


@dataclass(frozen=True, slots=True)
class Shown:
    """The result that is shown: its filter, its moment (aware), and the newest arrival in it.

    `fresh_after` is the newest arrival before the last refresh; what arrived later is marked.
    """

    view: str
    now: dt.datetime
    newest: dt.datetime
    fresh_after: dt.datetime | None = None

    def is_fresh(self, event: dict[str, object]) -> bool:
        """Return whether *event* arrived with the last refresh."""
        at = event.get("ingested_at")
        return bool(self.fresh_after and isinstance(at, dt.datetime) and at > self.fresh_after)


def frozen(ctx: Context, filter_: Filter) -> Shown:
    """Return the result shown for *filter_*, and set the moment of *ctx* to that of the result."""
    view = replace(filter_, sort="newest").query()
    kept = st.session_state.get(_SHOWN)
    if not isinstance(kept, Shown) or kept.view != view or ctx.entered:
        fresh_after = st.session_state.pop(_SEEN, None)
        kept = Shown(view, ctx.now, arrivals.newest(ctx.store), fresh_after)
        st.session_state[_SHOWN] = kept
    ctx.now = kept.now
    return kept


def refresh(filter_: Filter, shown: Shown) -> None:
    """Show what arrived after *shown*, from the first page on, and mark it; for callbacks."""
    st.session_state.pop(_SHOWN, None)
    st.session_state[_SEEN] = shown.newest
    names = {name: url_state.param(name) for name in ("event", "at", "view")}
    url_state.set_url(filter_, **names)


def draw(filter_: Filter, shown: Shown) -> None:
    """Draw the button, unless the range of *filter_* is fixed."""
    if not filter_.is_relative:
        return

    def receive(messages: list[NewEventsMessage]) -> None:
        for message in messages:
            if message["do"] == "live":
                st.session_state[_LIVE] = message["on"]
            else:
                refresh(filter_, shown)

    new_events(
        filter_.query() or "tz=UTC",
        shown.newest,
        "new-events",
        receive,
        is_live=bool(st.session_state.get(_LIVE)),
    )
