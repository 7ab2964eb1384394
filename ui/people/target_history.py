"""The history of one target, from its creation to its deletion."""

from typing import Any

import streamlit as st

from trail.events import events
from trail.storage.filters import Filter
from ui import event_feed, text
from ui.page import Context

_MAX_EVENTS = 100


def draw(ctx: Context, filter_: Filter, target_id: str, target: dict[str, Any] | None) -> None:
    """Draw the target *target_id*; *target* is None without retained events."""
    if target is None:
        st.info("No retained events for this target", icon=":material/info:")
        return
    st.text(_about(target_id, target, filter_))
    only = Filter(start="1900-01-01", end="9999-12-31", tz=filter_.tz, sort="oldest").put(
        "target", target_id, "include"
    )
    rows = events.page(ctx.store, only, ctx.now, rows=_MAX_EVENTS).rows
    with st.container(border=True, key="life-box"):
        event_feed.draw(
            rows,
            only,
            "life",
            title="History, oldest first",
            note=f"{len(rows):,} of {text.count(target['events'], 'event')}",
            time=lambda at: text.timestamp(at, filter_.zone),
        )


def _about(target_id: str, target: dict[str, Any], filter_: Filter) -> str:
    moments = [
        f"{label} {text.timestamp(target[name], filter_.zone)}"
        for label, name in (
            ("created", "created_at")
            if target["created_at"]
            else ("first retained event", "first_at"),
            ("deleted", "deleted_at"),
        )
        if target[name]
    ]
    history = ", ".join(moments)
    kind = (target["target_type"] or "target").replace("_", " ").capitalize()
    events_ = f"{text.count(target['events'], 'event')} by {text.count(target['actors'], 'actor')}"
    return f"{kind} · {target_id}\n{history[:1].upper()}{history[1:]}. {events_}."
