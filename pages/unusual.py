"""Unusual: findings by score, each with its reasons; decide on them, and sign a period."""

import datetime as dt
import time

import streamlit as st

from trail import expiry, reviews
from trail.findings import queries
from trail.findings.model import Finding
from trail.findings.refresh import refresh
from trail.queries import counts, timeline
from trail.store import utc_now
from ui import filter_bar, tabs, text, url_state
from ui.page import Context, Page
from ui.unusual import detection_rules, finding_detail, finding_queue, risk_table, sign_off

_TABS = {
    "queue": "To review",
    "signed": "Sign-off",
    "rules": "Rules",
    "risks": "Risks",
    "expected": "Expected",
}
# What is about rules for all findings, whatever the filter.
_APART = {
    "rules": detection_rules.draw,
    "risks": risk_table.draw,
    "expected": detection_rules.draw_expected,
}


def render(ctx: Context) -> None:
    """Draw the page."""
    filter_ = url_state.current_filter()
    store, now = ctx.runtime.store, dt.datetime.now(dt.UTC)
    refresh(store, utc_now())
    began = time.perf_counter()
    everything = url_state.param("all") == "1"
    found = queries.queue(store, filter_, now, everything=everything)
    window = timeline.bounded(store, filter_.window(now), now)
    took = (time.perf_counter() - began) * 1000
    waiting = [finding for finding in found.findings if finding.state == reviews.OPEN]
    filter_bar.title(
        "Unusual",
        f"<b>{len(waiting):,}</b> to review of {text.count(len(found.findings), 'finding')}, "
        f"{found.scored:,} scored · {took:.0f} ms",
    )
    filter_bar.bar(filter_, counts.count(store, filter_, now), search=False)
    filter_bar.window_caption(filter_, window)
    _leaving(ctx, found.judged.shown)
    section = tabs.select(_TABS, "unusual-section")
    if section in _APART:
        _APART[section](ctx)
        return
    if section == "signed":
        sign_off.draw(ctx, filter_, found.findings)
        return
    st.caption(text.escape(found.judged.said()))
    left, right = st.columns([1, 2.6], gap="small")
    with left:
        finding_queue.draw(ctx, filter_, found, everything=everything)
    with right:
        chosen = _chosen(ctx, found.findings)
        if chosen:
            finding_detail.draw(ctx, filter_, chosen, found.findings)


def _chosen(ctx: Context, found: list[Finding]) -> Finding | None:
    asked = url_state.param("finding")
    if asked:
        known = next((each for each in found if each.finding_id == asked), None)
        known = known or queries.one(ctx.runtime.store, asked)
        if known is None:
            st.warning("The finding of this link is no longer here: its events have left.")
        return known
    waiting = [each for each in found if each.state == reviews.OPEN]
    return next(iter(waiting or found), None)


def _leaving(ctx: Context, shown: frozenset[str]) -> None:
    found = expiry.leaving(ctx.runtime.store, ctx.runtime.settings, dt.datetime.now(dt.UTC), shown)
    if found.findings:
        st.warning(
            f"{found.said()} Decide on them, or hold their events.",
            icon=":material/hourglass_bottom:",
        )


PAGE = Page("unusual", "Unusual", render, capability="see_findings", order=38)

if __name__ == "__main__":
    PAGE.run()
