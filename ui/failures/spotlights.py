"""Two panels side by side: warehouse runs, and syncs of audiences and traits."""

import streamlit as st

from trail.incidents import attempt_strip, queries
from trail.storage.filters import Filter
from ui import text
from ui.failures.incident_detail import draw_strip, rows_of
from ui.page import Context

_PANELS = (
    ("Warehouse runs", ("Warehouse Run Failed", "Storage Destination Sync Failed")),
    (
        "Audience and trait syncs",
        (
            "Audience Run Failed",
            "Audience Destination Sync Failed",
            "Computed Trait Run Failed",
            "Computed Trait Destination Sync Failed",
        ),
    ),
)
_DAYS, _ROWS = 14, 6


def draw(ctx: Context, filter_: Filter) -> None:
    """Draw both panels."""
    for column, (title, actions) in zip(st.columns(2, gap="small"), _PANELS, strict=True):
        with column, st.container(border=True, gap="xsmall", height="stretch"):
            _panel(ctx, filter_, title, actions)


def _panel(ctx: Context, filter_: Filter, title: str, actions: tuple[str, ...]) -> None:
    store, now = ctx.runtime.store, ctx.now
    only = filter_.cleared()
    for action in actions:
        only = only.put("action", action, "include")
    shown = attempt_strip.strips(store, only, now, days=_DAYS, most=_ROWS)
    numbers = queries.summary(store, only, now)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.header(title, anchor=False, width="content")
        st.caption(
            f"{text.count(numbers.incidents, 'incident')}, {numbers.open:,} open, "
            f"{text.count(numbers.attempts, 'failed attempt')}",
            width="content",
        )
    if not shown.strips:
        st.text(f"✓ No failed attempts in {_DAYS} days.")
        return
    draw_strip(shown, rows_of(shown), filter_, f"spot-{title}", _DAYS)
    more = f"; {text.count(shown.more, 'more target')}" if shown.more else ""
    st.caption(
        f"Failed attempts per day, last {_DAYS} days{more}. Click a target to see its events"
    )
