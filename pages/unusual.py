"""Unusual: findings by score with their reasons and decisions; sign-off of a period."""

import time

import streamlit as st

from trail.events import timeline
from trail.findings import expiring, reviews
from trail.findings.columns import Line, Scene
from trail.findings.listing import Listing
from ui import coverage_banner, filter_bar, tabs, text, url_state
from ui.filter_bar import export_menu
from ui.page import Context, Page
from ui.unusual import (
    detection_rules,
    expected_activity,
    finding_detail,
    finding_queue,
    risk_table,
    sign_off,
)

_TABS = {
    "queue": "To review",
    "signed": "Sign-off",
    "rules": "Rules",
    "risks": "Risks",
    "expected": "Expected activity",
}
_UNFILTERED = {
    "rules": detection_rules.draw,
    "risks": risk_table.draw,
    "expected": expected_activity.draw,
}


def render(ctx: Context) -> None:
    """Draw the page."""
    filter_ = url_state.current_filter()
    store, now = ctx.store, ctx.now
    started = time.perf_counter()
    listing = Listing(store, filter_, finding_queue.shown_from_url(), now, weekdays=True)
    queue = listing.queue
    window = timeline.bounded(store, filter_.window(now), now)
    elapsed_ms = (time.perf_counter() - started) * 1000
    filter_bar.head("Unusual", filter_, None, last=lambda: _downloads(ctx, listing))
    filter_bar.caption(
        f"<b>{len(queue.undecided):,}</b> to review of "
        f"{text.count(len(queue.findings), 'finding')}, "
        f"{text.count(queue.scored, 'actor-day')} scored · {elapsed_ms:.0f} ms",
        filter_,
        window,
    )
    coverage_banner.show(ctx)
    coverage_banner.show_missing_archive(ctx, window)
    soon = expiring.expiring(ctx.runtime.store, ctx.runtime.settings, now, queue.budget.shown)
    if soon.findings:
        st.warning(
            f"{soon.text()} Decide on them or place a legal hold.",
            icon=":material/hourglass_bottom:",
        )
    tab = tabs.select(_TABS, "unusual-section")
    if tab in _UNFILTERED:
        _UNFILTERED[tab](ctx)
        return
    if tab == "signed":
        sign_off.draw(ctx, filter_)
        return
    st.caption(text.escape(queue.budget.status_text()))
    left, right = st.columns([1, 1.7], gap="small")
    with left:
        names = {user.username: user.name for user in ctx.runtime.users.all()}
        finding_queue.draw(ctx, listing, Scene(now, filter_.zone, names))
    with right:
        if line := _opened(listing):
            finding_detail.draw(ctx, filter_, line, [one.finding for one in listing.lines])


def _downloads(ctx: Context, listing: Listing) -> None:
    if not ctx.user.may("export"):
        return
    number = len(listing.queue.findings)
    export_menu.draw_list(
        text.count(number, "finding"),
        number,
        "finding-downloads",
        finding_queue.csv_address(listing),
        finding_queue.csv_of_all_fields(listing),
    )


def _opened(listing: Listing) -> Line | None:
    """Return the finding that the URL names, else the first one to review."""
    if finding_id := url_state.param("finding"):
        line = listing.line(finding_id)
        if line is None:
            st.warning("Finding not available: its events are past retention.")
        return line
    undecided = (line for line in listing.lines if line.finding.state == reviews.OPEN)
    return next(undecided, listing.lines[0] if listing.lines else None)


PAGE = Page(
    "unusual", "Unusual", render, capability="see_findings", order=38, keeps=url_state.WINDOW_PARAMS
)

if __name__ == "__main__":
    PAGE.run()
