"""Unusual: findings by score with their reasons and decisions; sign-off of a period."""

import time

import streamlit as st

from trail.events import counts, timeline
from trail.findings import expiring, queries, reviews
from trail.findings.model import Finding
from ui import coverage_banner, filter_bar, tabs, text, url_state
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
    store, now = ctx.runtime.store, ctx.now
    started = time.perf_counter()
    everything = url_state.param("all") == "1"
    queue = queries.queue(store, filter_, now, everything=everything)
    window = timeline.bounded(store, filter_.window(now), now)
    elapsed_ms = (time.perf_counter() - started) * 1000
    undecided = sum(finding.state == reviews.OPEN for finding in queue.findings)
    filter_bar.head("Unusual", filter_, counts.count(store, filter_, now))
    filter_bar.caption(
        f"<b>{undecided:,}</b> to review of {text.count(len(queue.findings), 'finding')}, "
        f"{text.count(queue.scored, 'actor-day')} scored · {elapsed_ms:.0f} ms",
        filter_,
        window,
    )
    coverage_banner.show(ctx)
    soon = expiring.expiring(store, ctx.runtime.settings, now, queue.budget.shown)
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
        finding_queue.draw(ctx, filter_, queue, everything=everything)
    with right:
        if finding := _opened(ctx, queue.findings):
            finding_detail.draw(ctx, filter_, finding, queue.findings)


def _opened(ctx: Context, findings: list[Finding]) -> Finding | None:
    """Return the finding that the URL names, else the first one to review."""
    if finding_id := url_state.param("finding"):
        in_queue = (finding for finding in findings if finding.finding_id == finding_id)
        finding = next(in_queue, None) or queries.get(ctx.runtime.store, finding_id)
        if finding is None:
            st.warning("Finding not available: its events are past retention.")
        return finding
    undecided = [finding for finding in findings if finding.state == reviews.OPEN]
    return next(iter(undecided or findings), None)


PAGE = Page(
    "unusual", "Unusual", render, capability="see_findings", order=38, keeps=url_state.WINDOW_PARAMS
)

if __name__ == "__main__":
    PAGE.run()
