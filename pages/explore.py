"""Explore: events by facet, search and time, and one event in detail."""

import datetime as dt
import time
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from trail.core.clock import naive_utc
from trail.events import counts, coverage, events, timeline
from trail.events.cursor import Cursor
from trail.events.search_results import search_matches
from trail.runtime import startup
from trail.storage.filters import Filter, Window
from ui import charts, coverage_banner, filter_bar, known_time, tables, text, url_state
from ui.explore import (
    columns,
    event_detail,
    events_table,
    facet_drawer,
    facet_sidebar,
    live,
    no_events,
    saved_views,
    share,
)
from ui.page import Context, Page


def render(ctx: Context) -> None:
    """Draw the page."""
    filter_ = facet_sidebar.permitted(ctx, saved_views.opened_filter(ctx))
    saved_views.draw_notice(ctx)
    store = ctx.store
    shown = live.frozen(ctx, filter_)
    now = ctx.now
    started = time.perf_counter()
    # The chart takes one small query and is drawn first; the head above it has a fixed height.
    head, results = st.container(key="head"), st.container(key="results")
    chart = results.container(key="chart")
    with search_matches(store, filter_, now) as (engine, rest):
        bars = timeline.histogram(engine, rest, now)
        window = timeline.bounded(store, filter_.window(now), now)
        assert window.start and window.end
        spans = coverage.spans(store, window.start, min(window.end, naive_utc(now)))
        drawing = time.perf_counter()
        with chart:
            coverage_banner.show(ctx)
            may_alert = ctx.user.may("configure") and not url_state.param("archive")
            known = known_time.known(store, now)
            summary, downloads = _chart(filter_, window, bars, spans, known, may_alert=may_alert)
            past = Window(window.start, max(window.start, min(window.end, naive_utc(now))))
            coverage_banner.show_source_gaps(store, past, spans, filter_.zone)
        started += time.perf_counter() - drawing
        in_window = counts.count(store, filter_.cleared(), now)
        facets = facet_sidebar.count(ctx, (engine, rest), filter_, in_window)
        page = events.page(
            engine,
            rest,
            now,
            after=Cursor.parse(url_state.param("after")),
            before=Cursor.parse(url_state.param("before")),
        )
    unverified = counts.unverified(store, filter_.cleared(), now)
    elapsed_ms = (time.perf_counter() - started) * 1000

    labels = {
        (name, value.value): text.facet_label(name, value.value, value.label)
        for name, values in facets.values.items()
        for value in values
    }
    with head:
        filter_bar.head(
            "Explore",
            filter_,
            None,
            labels=labels,
            beside=lambda: saved_views.draw(ctx, filter_),
            last=lambda: share.draw(ctx, filter_),
            refresh=lambda: live.draw(filter_, shown),
        )
        _archive_banner()
    with summary:
        filter_bar.caption(
            f"<b>{facets.events:,}</b> of {text.events_summary(in_window, unverified)} "
            f"· {elapsed_ms:.0f} ms",
            filter_,
        )
    with downloads:
        may_pack = ctx.user.may("take_evidence") and not url_state.param("archive")
        filter_bar.export(filter_, facets.events, columns.shown(), evidence=may_pack)
    with st.sidebar:
        facet_drawer.draw()
        facet_sidebar.draw(ctx, filter_, facets)
    with results, st.container(key="events-area"):
        if page.rows:
            events_table.table(
                page,
                filter_,
                facets.events,
                shown.is_fresh,
                lambda event: event_detail.select(filter_, event),
            )
            tables.folded("Chart data", "chart-data", lambda: _chart_data(bars, filter_))
        explanation = st.container()
        event_detail.panel(ctx, filter_, page.rows)
    if not page.rows:
        with explanation:
            no_events.draw(ctx, filter_, labels)


def _chart(
    filter_: Filter,
    window: Window,
    bars: timeline.Histogram,
    spans: list[coverage.Span],
    known: known_time.Known,
    *,
    may_alert: bool,
) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Draw the chart, and return the places of the page's figures and downloads above it."""
    with st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        key="chart-head",
    ):
        grain = f" · events per {charts.grain_label(bars.grain)}"
        hint = f'<span class="trail-hint">{grain}<span>, drag to zoom</span></span>'
        filter_bar.window_caption(filter_, window, hint)
        with st.container(
            horizontal=True, width="content", vertical_alignment="center", key="result-bar"
        ):
            summary = st.container(width="content")
            filter_bar.zoom_out(filter_)
            if may_alert:
                st.page_link(
                    url_state.ALERTS,
                    label="Create alert rule",
                    icon=":material/notification_add:",
                    help="Alert on future events that match these filters",
                    query_params={"rule": _without_window(filter_), "section": "rules"},
                )
            downloads = st.container(horizontal=True, width="content", key="downloads")

    def brush(start: dt.datetime, end: dt.datetime) -> None:
        url_state.set_url(url_state.with_range(filter_, start, end))

    charts.histogram(bars, filter_.zone, "histogram", brush, spans, known)
    coverage_banner.show_gaps(spans, filter_.zone)
    return summary, downloads


def _chart_data(bars: timeline.Histogram, filter_: Filter) -> dict[str, list[Any]]:
    filled = [bar for bar in bars.bars if bar.count]
    return {
        "From": [text.timestamp(bar.start, filter_.zone) for bar in filled],
        "Events": [bar.count for bar in filled],
    }


def _archive_banner() -> None:
    month = url_state.param("archive")
    if month:
        with st.container(horizontal=True, vertical_alignment="center", key="archive-banner"):
            st.text(f"Archive of {month} (read-only)", width="content")
            st.page_link(url_state.EXPLORE, label="Back to current events")
        for problem in _archive_problems(month):
            st.warning(text.escape(problem), icon=":material/warning:")


@st.cache_data(ttl=600, max_entries=20, show_spinner=False)
def _archive_problems(month: str) -> list[str]:
    return startup.archive_problems(month)


def _without_window(filter_: Filter) -> str:
    return Filter(choices=filter_.choices, q=filter_.q, tz=filter_.tz).query()


PAGE = Page("explore", "Explore", render, order=20, keeps=url_state.FILTER_PARAMS, has_search=True)

if __name__ == "__main__":
    PAGE.run()
