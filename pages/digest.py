"""Weekly digest: one week or day in figures and lists, each of which links to its place."""

import datetime as dt
from urllib.parse import urlsplit

import streamlit as st

from trail.attention import digest_period
from trail.attention.digest import digest
from trail.attention.digest_period import Cadence, Period
from trail.core import time_labels
from trail.core.clock import naive_utc
from trail.core.zones import zone_names
from trail.events import store_status
from ui import coverage_banner, filter_bar, url_state
from ui.components import digest as drawing
from ui.page import Context, Page, discover_pages

_NAMES: dict[Cadence, str] = {"weekly": "Week", "daily": "Day"}
_MAX_LISTED = 60
_CADENCE, _PERIOD = "digest-cadence", "digest-period"


def render(ctx: Context) -> None:
    """Draw the digest of the period that the URL names, or of the last full week."""
    store, now = ctx.store, ctx.now
    zone = url_state.param("tz")
    zone = zone if zone in zone_names() else url_state.timezone_name()
    week, day = url_state.param("week"), url_state.param("day")
    period = digest_period.parse(week, "" if week else day, zone, now)
    with filter_bar.title("Weekly digest" if period.cadence == "weekly" else "Daily digest"):
        _picker(ctx, period)
    coverage_banner.show(ctx)
    coverage_banner.show_missing_archive(ctx, period.window(now))
    may_see = ctx.user.may("see_findings")
    made = digest(store, ctx.runtime.settings, period, now, findings=may_see)
    moment = time_labels.short(naive_utc(now), period.zone, now)
    note = f"{period.title}, {zone}. States as of {moment}."
    drawing.draw(made, note, lambda path: _may_open(ctx, path), "digest")


def _picker(ctx: Context, period: Period) -> None:
    """Draw the choice of week or day, and of the period, which the URL names."""
    periods = _periods(ctx, period)
    titles = {item.first.isoformat(): item.title for item in periods}
    st.session_state[_CADENCE] = period.cadence
    st.session_state[_PERIOD] = period.first.isoformat()

    def open_period() -> None:
        _show(period.cadence, st.session_state[_PERIOD])

    def open_cadence() -> None:
        cadence: Cadence = st.session_state[_CADENCE]
        _show(cadence, digest_period.last_complete(ctx.now, cadence, period.tz).first.isoformat())

    st.segmented_control(
        "Digest of",
        list(_NAMES),
        required=True,
        format_func=lambda name: _NAMES[name],
        key=_CADENCE,
        on_change=open_cadence,
        label_visibility="collapsed",
    )
    st.selectbox(
        "Period",
        list(titles),
        format_func=lambda first: titles[first],
        key=_PERIOD,
        on_change=open_period,
        label_visibility="collapsed",
        width=260,
    )


def _show(cadence: Cadence, first: str) -> None:
    names = dict.fromkeys(digest_period.PARAMS.values(), "")
    url_state.put_params(**{**names, digest_period.PARAMS[cadence]: first})


def _periods(ctx: Context, period: Period) -> list[Period]:
    """Return the periods to choose from, newest first: from the first event on, and *period*."""
    oldest = store_status.status(ctx.store)["oldest"]
    first = dt.datetime.fromisoformat(oldest).astimezone(period.zone).date() if oldest else None
    newest = digest_period.current(ctx.now, period.cadence, period.tz)
    listed = [newest.shifted(-back) for back in range(_MAX_LISTED)]
    shown = [item for item in listed if first is None or item.last >= first]
    shown = shown if first else listed[:2]
    return shown if period in shown else sorted([*shown, period], key=lambda item: item.first)[::-1]


def _may_open(ctx: Context, path: str) -> bool:
    """Return whether the role of the user may open the page of *path*."""
    name = urlsplit(path).path.removeprefix("/")
    page = next((page for page in discover_pages().values() if page.path == name), None)
    return page is not None and page.allows(ctx.user)


PAGE = Page("digest", "Weekly digest", render, order=15, is_listed=False)

if __name__ == "__main__":
    PAGE.run()
