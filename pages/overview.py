"""Overview: is everything fine, what changed, what needs attention; numbers link to events."""

import time

import streamlit as st

from trail.core.clock import naive_utc
from trail.events import counts, coverage, overview
from ui import clock_warning, coverage_banner, filter_bar, seal_text, text, url_state
from ui.overview import (
    activity,
    compared,
    destructive,
    most_active,
    needs_attention,
    sources_card,
    tiles,
    view,
)
from ui.overview.view import View
from ui.page import Context, Page
from ui.slow_read import SlowRead


def render(ctx: Context) -> None:
    """Draw the page."""
    started = time.perf_counter()
    shown = view.current(ctx)
    total = counts.count(shown.store, shown.filter_, shown.now)
    unverified = counts.unverified(shown.store, shown.filter_, shown.now)
    counted = counts.count(shown.store, shown.counted, shown.now)
    elapsed_ms = (time.perf_counter() - started) * 1000

    filter_bar.head("Overview", shown.counted, counted, beside=lambda: _beside(shown))
    summary = text.events_summary(total, unverified)
    if shown.changes_only:
        summary = f"{_parts(shown, counted)} of {summary}"
    filter_bar.caption(
        f"{summary} · {elapsed_ms:.0f} ms",
        shown.filter_,
        shown.window,
        f" · {compared.sentence(shown)}",
    )
    _warnings(shown)
    tiles.draw(shown)
    left, right = st.columns([1.56, 1], gap="small")
    with left, st.container(border=True, key="needs", height="stretch"):
        needs_attention.draw(ctx)
    with right, st.container(border=True, key="activity", height="stretch"):
        activity.draw(shown)
    left, right = st.columns([1.56, 1], gap="small")
    newest = left.container(border=True, key="destructive", height="stretch")
    with right, st.container(border=True, key="sources", height="stretch"):
        sources_card.draw(shown)
    left, right = st.columns([1.56, 1], gap="small")
    with left, st.container(border=True, key="people", height="stretch"):
        most_active.people(shown)
    with right, st.container(border=True, key="tokens", height="stretch"):
        most_active.tokens(shown)
    # Last, since only this card shows events, which may be archived.
    with (
        SlowRead.of_window(ctx.store, shown.window, shown.filter_.query(), newest) as reading,
        newest,
    ):
        reading.step("destructive")
        destructive.draw(shown)


def _parts(shown: View, changes: int) -> str:
    """Return as HTML how many of the events are changes, routine and failed attempts."""
    routine, failed = (
        counts.count(shown.store, part(shown.filter_), shown.now)
        for part in (overview.routine, overview.failures)
    )
    noun = "change" if changes == 1 else "changes"
    return f"<b>{changes:,}</b> {noun}, {routine:,} routine and {failed:,} failed"


def _beside(shown: View) -> None:
    st.page_link(url_state.DIGEST, label="Weekly digest", width="content")
    compared.choice(shown)


def _warnings(shown: View) -> None:
    """Draw what puts the numbers below in doubt."""
    for shortfall in seal_text.lost(shown.ctx):
        st.error(text.escape(shortfall.text()), icon=":material/history:")
    clock_warning.show(shown.ctx)
    coverage_banner.show(shown.ctx, shown.filter_)
    coverage_banner.show_missing_archive(shown.ctx, shown.window)
    assert shown.window.start and shown.window.end
    end = min(shown.window.end, naive_utc(shown.now))
    of = shown.filter_.choice("workspace")
    spans = coverage.spans(shown.store, shown.window.start, end, of)
    coverage_banner.show_gaps(spans, shown.filter_.zone)


_KEEPS = (*url_state.WINDOW_PARAMS, view.COMPARE, view.EVENTS)
PAGE = Page("overview", "Overview", render, order=10, keeps=_KEEPS)

if __name__ == "__main__":
    PAGE.run()
