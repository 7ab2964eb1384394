"""The number of events that arrived since the page was drawn, as a button that shows them."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from ui.components import messages


class NewEventsMessage(TypedDict, total=False):
    """A press: `do` is `refresh`, or `live` with whether it is `on`."""

    do: str
    on: bool


_component = messages.component("trail_new_events", "new_events")


def new_events(
    query: str,
    since: dt.datetime,
    key: str,
    on_messages: Callable[[list[NewEventsMessage]], None],
    *,
    is_live: bool,
) -> None:
    """Draw the button for arrivals after *since* (UTC, without zone) that match *query*.

    With *is_live* the browser refreshes by itself, except while an event is open.
    """
    data = {"query": query, "since": since.isoformat(), "live": is_live}
    messages.draw(_component, key, data, _parse, on_messages, width="content")


def _parse(message: Mapping[str, Any]) -> dict[str, Any] | None:
    match message:
        case {"do": "refresh"}:
            return {"do": "refresh"}
        case {"do": "live", "on": bool(on)}:
            return {"do": "live", "on": on}
    return None
