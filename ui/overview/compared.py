"""What the changes on the Overview compare: the sentence, and the choice of the earlier period."""

import datetime as dt

import streamlit as st

from trail.core import time_labels
from trail.events.periods import By, Change
from ui import charts, url_state
from ui.overview.view import COMPARE, View

_BY: dict[By, str] = {"week": "A week ago", "day": "The day before"}


def sentence(view: View) -> str:
    """Return what the changes on the page compare, or why there are none."""
    comparison, zone = view.comparison, view.filter_.zone
    current = comparison.current
    if view.is_blank:
        return f"Not compared: {view.missing[:1].lower()}{view.missing[1:]}"
    if comparison.reason or current is None or current.end is None:
        return f"Not compared: {comparison.reason[:1].lower()}{comparison.reason[1:]}"
    if comparison.running is None:
        return f"Changes compare this window with the {comparison.basis}"
    if comparison.grain >= dt.timedelta(days=1):
        last = (current.end - dt.timedelta(hours=1)).replace(tzinfo=dt.UTC).astimezone(zone).date()
        part = f"complete days until {time_labels.day(last, view.now, zone)}"
    else:
        unit = charts.grain_label(comparison.grain)
        part = f"complete {unit}s until {time_labels.short(current.end, zone, view.now)}"
    return f"Changes compare {part} with the {comparison.basis}"


def against(view: View, change: Change) -> str:
    """Return what follows the text of *change*: the earlier period, or why it is not compared."""
    if change.reason:
        return change.reason
    is_new = not change.before and change.now > 0
    return f"{', none' if is_new else 'vs'} {view.comparison.ago}"


def described(view: View, change: Change) -> str:
    """Return *change* with the earlier period: `+6 % vs a week earlier`, `new, none …`."""
    words = against(view, change)
    return f"{change.text}{words}" if words.startswith(",") else f"{change.text} {words}"


def choice(view: View) -> None:
    """Draw the choice between a week ago and the day before, for a window of at most a day."""
    if not view.comparison.short:
        return
    requested = url_state.param(COMPARE)
    st.session_state["compare"] = requested if requested in _BY else "week"

    def choose() -> None:
        chosen = st.session_state["compare"]
        url_state.put_params(**{COMPARE: "day" if chosen == "day" else ""})

    st.segmented_control(
        "Compare with",
        list(_BY),
        required=True,
        format_func=lambda by: f"vs {_BY[by][0].lower()}{_BY[by][1:]}",
        key="compare",
        on_change=choose,
        label_visibility="collapsed",
    )
