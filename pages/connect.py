"""Connect: Public API token, webhook and files, each with a test."""

import streamlit as st

from trail.events import arrivals, store_status
from trail.runtime import process
from trail.storage import collected_by
from trail.storage.filters import Filter
from ui import event_feed, setup_guide, text, url_state
from ui.connect import files_card, token_card, upload_card, webhook_card
from ui.page import Context, Page

_CARD_WIDTH = 340
# How an event arrived, by the ingestion method of its source.
_WAYS = {"api": "polling", "webhook": "webhook", "tracking": "tracking call", "s3": "S3"}
_ROWS = 5
_REFRESH_S = 3.0


def render(ctx: Context) -> None:
    """Draw the page."""
    setup_guide.draw("Connect Segment", "events")
    st.caption(
        "Use one method or several. The token alone is enough to start; the webhook adds speed and "
        "signatures. An event that arrives more than once is counted once."
    )
    if ctx.runtime.demo:
        st.info(
            "This is the demo workspace with generated events in a separate database. Your "
            "workspace is shown as soon as it is connected.",
            icon=":material/info:",
        )
    with st.grid(3, min_column_width=_CARD_WIDTH, gap="small", key="connect-cards"):
        for draw in (token_card.draw, webhook_card.draw, _files):
            with st.container(border=True, height="stretch"):
                draw(ctx)
    if not ctx.runtime.demo:
        st.fragment(_stored, run_every=_REFRESH_S)()


def _files(ctx: Context) -> None:
    upload_card.draw(ctx)
    files_card.draw(ctx)


def _stored() -> None:
    """Draw the events that arrived last, refreshed every few seconds."""
    store = process.current().store
    shown = Filter(tz=url_state.timezone_name())
    stored = text.count(store_status.stored(store_status.status(store)), "event")
    event_feed.draw(
        arrivals.latest(store, _ROWS),
        shown,
        "connect-stored",
        title="Arriving now",
        note=f"{stored} stored · deduplicated across all sources",
        time=lambda at: text.short_timestamp(at, shown.zone, seconds=True),
        side=lambda row: f"via {_WAYS.get(collected_by.way_of(row['loader']), 'file')}",
        link="Open in Explore",
        empty="No events yet",
    )


PAGE = Page("connect", "Connect", render, capability="configure", order=80)

if __name__ == "__main__":
    PAGE.run()
