"""The window and the time zone of the filter."""

import datetime as dt
from dataclasses import replace

import streamlit as st

from trail.storage.filters import Filter, zone_names
from ui import text, url_state
from ui.filter_bar.menu import menu

PRESETS = {"24h": "24 h", "7d": "7 d", "30d": "30 d", "90d": "90 d"}
CUSTOM = "custom"

# Listed first; the others follow in alphabetical order.
_COMMON_ZONES = (
    "UTC",
    "Europe/London",
    "Europe/Oslo",
    "Europe/Berlin",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
)


def window(filter_: Filter) -> None:
    """Draw the presets, and the menu of a range."""
    preset = filter_.start if filter_.start in PRESETS and not filter_.end else CUSTOM
    st.session_state["window"] = preset

    def choose() -> None:
        chosen = st.session_state["window"]
        if chosen in PRESETS:
            url_state.set_url(replace(filter_, start=chosen, end=""))

    st.segmented_control(
        "Window",
        [*PRESETS, *([CUSTOM] if preset == CUSTOM else [])],
        format_func=lambda name: PRESETS.get(name, "Custom"),
        key="window",
        on_change=choose,
        required=True,
        label_visibility="collapsed",
        wrap=False,
    )
    with menu("range-menu", ":material/date_range:", "Select a date range") as opened:
        if opened.open:
            _range(filter_)


def _range(filter_: Filter) -> None:
    window = filter_.window(dt.datetime.now(dt.UTC))
    zone = filter_.zone
    now = dt.datetime.now(zone)

    def to_local(moment: dt.datetime | None, default: dt.datetime) -> dt.datetime:
        local = moment.replace(tzinfo=dt.UTC).astimezone(zone) if moment else default
        return local.replace(tzinfo=None, second=0, microsecond=0)

    with st.form("range", border=False):
        first = st.datetime_input("From", to_local(window.start, now - dt.timedelta(days=7)))
        last = st.datetime_input("To", to_local(window.end, now))
        st.caption(f"Times in {text.escape(zone.key)}")
        if st.form_submit_button("Apply range", type="primary") and first and last:
            if first >= last:
                st.error("The range ends before it starts. Select an end after the start.")
            else:
                local = [moment.replace(tzinfo=zone).astimezone(dt.UTC) for moment in (first, last)]
                start, end = (moment.replace(tzinfo=None) for moment in local)
                url_state.set_url(url_state.with_range(filter_, start, end))
                st.rerun()


def zone(filter_: Filter) -> None:
    """Draw the choice of the time zone."""
    st.session_state["tz"] = filter_.tz

    def choose() -> None:
        url_state.set_url(replace(filter_, tz=st.session_state["tz"]))

    rest = sorted(zone_names() - set(_COMMON_ZONES))
    st.selectbox(
        "Time zone",
        [*_COMMON_ZONES, *rest],
        key="tz",
        on_change=choose,
        icon=":material/language:",
        label_visibility="collapsed",
        width=190,
    )
