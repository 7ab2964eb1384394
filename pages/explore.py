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
from ui.slow_read import SlowRead

# What values are called, by facet and value.
Labels = dict[tuple[str, str], str]


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
    window = timeline.bounded(store, filter_.window(now), now)
    bars = facets = labels = page = None
    with (
        search_matches(store, filter_, now, targets_alone=True) as (engine, rest),
        SlowRead.of_window(store, window, _view(filter_), results) as reading,
    ):
        reading.step("counts")
        bars = timeline.histogram(engine, rest, now, by="outcome")
        drawing = time.perf_counter()
        with chart:
            summary, downloads = _drawn_chart(ctx, filter_, window, bars)
        started += time.perf_counter() - drawing
        in_window = counts.count(store, filter_.cleared(), now)
        facets = facet_sidebar.count(ctx, (engine, rest), filter_, in_window)
        unverified = counts.unverified(store, filter_.cleared(), now)
        drawing = time.perf_counter()
        counted = f"<b>{facets.events:,}</b> of {text.events_summary(in_window, unverified)}"
        with summary:
            draw_summary = filter_bar.caption(counted, filter_)
        with downloads:
            _draw_downloads(ctx, filter_, facets.events)
        with st.sidebar:
            facet_drawer.draw()
            facet_sidebar.draw(ctx, filter_, facets)
        labels = _labels(facets)
        with head:
            _draw_head(ctx, filter_, labels, shown)
        started += time.perf_counter() - drawing
        # The chart and the facets are from the hourly counts; the rows may take far longer.
        reading.step("rows")
        page = events.page(
            engine,
            rest,
            now,
            after=Cursor.parse(url_state.param("after")),
            before=Cursor.parse(url_state.param("before")),
        )
        elapsed_ms = (time.perf_counter() - started) * 1000
        draw_summary(f"{counted} · {elapsed_ms:.0f} ms")
    if labels is None:
        with head:
            _draw_head(ctx, filter_, {}, shown)
    with results, st.container(key="events-area"):
        if bars and facets and page and page.rows:
            events_table.table(
                page,
                filter_,
                facets.events,
                shown.is_fresh,
                lambda event: event_detail.select(filter_, event),
            )
            tables.folded("Chart data", "chart-data", lambda: _chart_data(bars, filter_))
        explanation = st.container()
        event_detail.panel(ctx, filter_, page.rows if page else [])
    if page and not page.rows:
        with explanation:
            no_events.draw(ctx, filter_, labels or {})


def _view(filter_: Filter) -> str:
    return " ".join((filter_.query(), url_state.param("after"), url_state.param("before")))


def _draw_downloads(ctx: Context, filter_: Filter, events: int) -> None:
    may_pack = ctx.user.may("take_evidence")
    filter_bar.export(filter_, events, columns.shown(), evidence=may_pack)


def _draw_head(ctx: Context, filter_: Filter, labels: Labels, shown: live.Shown) -> None:
    filter_bar.head(
        "Explore",
        filter_,
        None,
        labels=labels,
        beside=lambda: saved_views.draw(ctx, filter_),
        last=lambda: share.draw(ctx, filter_),
        refresh=lambda: live.draw(filter_, shown),
    )


def _labels(facets: counts.Facets) -> Labels:
    return {
        (name, value.value): text.facet_label(name, value.value, value.label)
        for name, values in facets.values.items()
        for value in values
    }


def _drawn_chart(
    ctx: Context, filter_: Filter, window: Window, bars: timeline.Histogram
) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Draw the chart with what is known of its window; see `_chart`."""
    assert window.start and window.end
    end = min(window.end, naive_utc(ctx.now))
    spans = coverage.spans(ctx.store, window.start, end, filter_.choice("workspace"))
    coverage_banner.show(ctx, filter_)
    coverage_banner.show_missing_archive(ctx, window)
    known = known_time.known(ctx.store, ctx.now, filter_)
    may_alert = ctx.user.may("configure")
    places = _chart(filter_, window, bars, spans, known, may_alert=may_alert)
    past = Window(window.start, max(window.start, end))
    coverage_banner.show_source_gaps(ctx.store, past, spans, filter_)
    return places


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
    filled = [(bar, part) for bar, part in zip(bars.bars, bars.parts, strict=True) if bar.count]
    return {
        "From": [text.timestamp(bar.start, filter_.zone) for bar, _ in filled],
        "Events": [bar.count for bar, _ in filled],
        **{
            text.OUTCOMES[outcome][1]: [part.get(outcome, 0) for _, part in filled]
            for outcome in charts.outcome_totals(bars)
        },
    }


def _without_window(filter_: Filter) -> str:
    return Filter(choices=filter_.choices, q=filter_.q, tz=filter_.tz).query()


PAGE = Page("explore", "Explore", render, order=20, keeps=url_state.FILTER_PARAMS, has_search=True)

if __name__ == "__main__":
    PAGE.run()
