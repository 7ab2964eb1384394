"""The events that are dated in the future, as part of the Coverage tab."""

import datetime as dt

import streamlit as st

from trail.core import event_text
from trail.events import counts, events
from trail.storage.event_flags import AHEAD
from trail.storage.filters import YES, Filter
from ui import tables, text, url_state
from ui.page import Context

_LISTED = 100
_MINUTES = int(AHEAD.total_seconds() // 60)
_FILTER = Filter().put("future_dated", YES, "include")


def draw(ctx: Context) -> None:
    """Draw the newest of these events, if there are any, and the link to all of them."""
    store, now, zone = ctx.store, dt.datetime.now(dt.UTC), url_state.timezone()
    total = counts.count(store, _FILTER, now)
    if not total:
        return
    rows = events.page(store, _FILTER, now, rows=_LISTED).rows
    with st.container(border=True, gap="xsmall", key="future-dated"):
        st.subheader(text.FUTURE_DATED, anchor=False)
        st.text(
            f"▲ {text.count(total, 'event')} dated more than {_MINUTES} minutes after arrival. "
            "A clock at the source is probably wrong. These events are kept and marked, left out "
            "of relative time ranges, comparisons, findings and alerts, and removed by their time "
            "of arrival."
        )
        tables.draw(
            {
                "Dated": [text.timestamp(row["occurred_at"], zone) for row in rows],
                "Received": [text.timestamp(row["ingested_at"], zone) for row in rows],
                "Action": [row["action"] for row in rows],
                "Target": [event_text.target(row) for row in rows],
                "Actor": [event_text.actor(row) for row in rows],
            },
            text.FUTURE_DATED,
            visible=8,
        )
        with st.container(horizontal=True):
            more = f"The latest {_LISTED}. " if total > _LISTED else ""
            st.caption(f"{more}Times in {zone.key}.")
            st.page_link(
                url_state.EXPLORE,
                label="Show in Explore",
                query_params={"from": "2000-01-01", "future_dated": YES, "tz": zone.key},
            )
