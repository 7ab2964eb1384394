"""Connect: a token of the Public API, the webhook, and files, each with its test."""

import streamlit as st

from trail.events import events, store_status
from trail.runtime import process
from trail.storage.filters import Filter
from ui import event_feed, setup_guide, text, url_state
from ui.connect import files_card, token_card, upload_card, webhook_card
from ui.page import Context, Page

_CARD_WIDTH = 340
_ROWS = 5
_REFRESH_S = 3.0


def render(ctx: Context) -> None:
    """Draw the page."""
    setup_guide.draw("Connect Segment", "events")
    st.caption(
        "Use one way or several. The token alone is enough to start; the webhook adds speed and "
        "proof. An event that arrives by several ways is counted once."
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
    """Draw the newest stored events, kept up to date."""
    store = process.current().store
    shown = Filter(tz=url_state.timezone_name())
    event_feed.draw(
        events.page(store, shown, store.now(), rows=_ROWS).rows,
        shown,
        "connect-stored",
        title="Newest events",
        note=f"{text.count(store_status.status(store)['events'], 'event')} stored",
        time=lambda at: text.short_timestamp(at, shown.zone),
        link="Open in Explore",
        empty="No events yet",
    )


PAGE = Page("connect", "Connect", render, capability="configure", order=80)

if __name__ == "__main__":
    PAGE.run()
