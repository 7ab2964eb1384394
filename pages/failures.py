"""Failures: failed attempts grouped into incidents, and what changed before them."""

import time

import streamlit as st

from trail.events import timeline
from trail.incidents import queries
from trail.incidents.columns import Scene
from trail.incidents.listing import Line, Listing
from trail.storage.filters import Filter
from ui import coverage_banner, filter_bar, text, url_state
from ui.failures import incident_detail, incident_filters, incident_table, spotlights
from ui.filter_bar import export_menu
from ui.page import Context, Page


def render(ctx: Context) -> None:
    """Draw the page."""
    filter_ = url_state.current_filter()
    store, now = ctx.store, ctx.now
    started = time.perf_counter()
    listing = Listing(store, filter_, incident_filters.from_url(), now)
    lines = listing.lines(
        listing.incidents(incident_table.MAX_ROWS, incident_table.first_row() - 1)
    )
    window = timeline.bounded(store, filter_.window(now), now)
    elapsed_ms = (time.perf_counter() - started) * 1000

    filter_bar.head("Failures", filter_, None, last=lambda: _downloads(ctx, listing))
    filter_bar.caption(_summary(listing, elapsed_ms), filter_, window)
    coverage_banner.show(ctx)
    coverage_banner.show_missing_archive(ctx, queries.window_of_causes(filter_, now))
    spotlights.draw(ctx, filter_)
    incident_filters.draw(store, listing)
    if not queries.summary(store, filter_, now).incidents and not url_state.param("incident"):
        coverage_banner.show_none(ctx, filter_, "No failed attempts in this window.")
        return
    names = {user.username: user.name for user in ctx.runtime.users.all()}
    scene = Scene(now, filter_.zone, names)
    line = _opened(ctx, listing, lines)
    incident_table.draw(listing, lines, scene, line.incident.incident_id if line else "")
    if line:
        incident_detail.draw(ctx, filter_, line, scene)


def _summary(listing: Listing, elapsed_ms: float) -> str:
    """Return how many incidents and attempts are shown of how many, as HTML."""
    shown, whole = listing.total, listing.summary
    return (
        f"<b>{shown.incidents:,}</b> of {text.count(whole.incidents, 'incident')}, "
        f"{shown.attempts:,} of {text.count(whole.attempts, 'failed attempt')} · "
        f"{elapsed_ms:.0f} ms"
    )


def _downloads(ctx: Context, listing: Listing) -> None:
    if not ctx.user.may("export"):
        return
    number = listing.total.incidents
    export_menu.draw_list(
        text.count(number, "incident"),
        number,
        "incident-downloads",
        incident_table.csv_address(listing),
        incident_table.csv_of_all_fields(listing),
    )


def _opened(ctx: Context, listing: Listing, lines: list[Line]) -> Line | None:
    """Return the incident that the URL names, which may be outside the list, else the first."""
    incident_id = url_state.param("incident")
    if not incident_id:
        return lines[0] if lines else None
    for line in lines:
        if line.incident.incident_id == incident_id:
            return line
    incident = queries.incident(ctx.store, incident_id, ctx.now)
    if incident is None:
        st.warning("Incident not found. Its events may be past retention.")
        return None
    return Listing(ctx.store, _around(listing.filter), listing.shown, ctx.now).lines([incident])[0]


def _around(filter_: Filter) -> Filter:
    """Return the filter of all time, in which an incident outside the list has its totals."""
    return Filter(tz=filter_.tz)


PAGE = Page("failures", "Failures", render, order=35, keeps=url_state.WINDOW_PARAMS)

if __name__ == "__main__":
    PAGE.run()
