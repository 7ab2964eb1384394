"""One target's life, from the event that made it to the one that took it away."""

import datetime as dt
from typing import Any

import streamlit as st

from trail.filters import Filter
from trail.queries import events
from ui import event_feed, text
from ui.page import Context

_ROWS = 100


def draw(ctx: Context, filter_: Filter, what: str, life: dict[str, Any] | None) -> None:
    """Draw the history of the target *what*."""
    if life is None:
        st.info("No kept event is about this target.", icon=":material/info:")
        return
    st.text(_about(what, life, filter_))
    only = Filter(start="1900-01-01", end="9999-12-31", tz=filter_.tz, sort="oldest").put(
        "target", what, "include"
    )
    page = events.page(ctx.runtime.store, only, dt.datetime.now(dt.UTC), rows=_ROWS)

    with st.container(border=True, key="life-box"):
        event_feed.draw(
            page.rows,
            only,
            "life",
            title="History, oldest first",
            note=f"{len(page.rows):,} of {text.count(life['events'], 'event')}",
            time=lambda at: text.timestamp(at, filter_.zone),
        )


def _about(what: str, life: dict[str, Any], filter_: Filter) -> str:
    made = (
        f"Created {text.timestamp(life['created_at'], filter_.zone)}"
        if life["created_at"]
        else f"First kept event {text.timestamp(life['first_at'], filter_.zone)}"
    )
    gone = (
        f", deleted {text.timestamp(life['deleted_at'], filter_.zone)}"
        if life["deleted_at"]
        else ""
    )
    kind = (life["target_type"] or "target").replace("_", " ")
    who = text.count(life["actors"], "actor")
    number = text.count(life["events"], "event")
    return f"{kind.capitalize()} · {what}\n{made}{gone}. {number} by {who}."
