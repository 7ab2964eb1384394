"""The range and the time zone of the filter."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

import streamlit as st

from trail.accounts import recent
from trail.core import time_labels
from trail.core.errors import FilterError
from trail.core.zones import zone_names
from trail.runtime import process, startup
from trail.storage import cold_changes, time_expressions, time_steps, time_text, time_window
from trail.storage.filters import Filter
from trail.storage.time_expressions import WEEK_STARTS
from ui import url_state
from ui.components.time_control import TimeMessage, TimePreset, time_control
from ui.page import current_user
from ui.week_start import week_start

_KEY = "time-range"
_PROBLEM = "time-range-problem"
_RECENT = 4  # ranges in the panel
_COMMON = ("1h", "24h", "today", "7d", "30d")
# Where days are archived.
_ARCHIVED = {"365d": "1 y"}

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

Change = Callable[[Filter], None]


def presets(week: int, more: dict[str, str] | None = None) -> list[TimePreset]:
    """Return the named ranges; *more* are ids with labels, and weeks start on *week*."""
    lasting = {"15m": "15 min", "1h": "1 h", "24h": "24 h", "7d": "7 d", "14d": "14 d"}
    lasting |= {"30d": "30 d", "90d": "90 d", **(more or {})}
    suffix = WEEK_STARTS[week]
    periods = ("today", "yesterday", f"this_week{suffix}", f"last_week{suffix}", "this_month")
    return [
        {"id": name, "label": lasting.get(name) or text, "name": text}
        for name in (*lasting, *periods, "last_month")
        if (text := _in_words(name, week))
    ]


def window(
    filter_: Filter,
    on_change: Change = url_state.set_url,
    more: dict[str, str] | None = None,
) -> None:
    """Draw the range of *filter_*; *on_change* gets the filter with another one.

    *more* are presets of this page besides the usual ones, `from` with their labels.
    """
    zone, now, week = filter_.zone, dt.datetime.now(dt.UTC), week_start()
    range_ = (filter_.start, filter_.end)
    first, last = time_expressions.window(*range_, zone, now)
    if cold_changes.revision(startup.reading_store()):
        more = {**_ARCHIVED, **(more or {})}
    known = presets(week, more)
    names = {preset["id"]: preset["name"] for preset in known}
    value = filter_.start if filter_.start in names and not filter_.end else ""
    text = time_text.printed(*range_, zone, week)
    # The year is in the panel, and in the caption if it is not this one.
    short = names.get(value) or re.sub(rf" {now.astimezone(zone).year}\b", "", text)

    def changed(messages: list[TimeMessage]) -> None:
        current = filter_
        for message in messages:
            found = _after(message, current, names, week)
            if found:
                if message["do"] == "typed" and (found[1] or found[0] not in names):
                    _remember(found)
                current = replace(current, start=found[0], end=found[1])
        if current != filter_:
            on_change(current)

    time_control(
        known,
        _COMMON,
        {
            "value": value,
            "label": "More" if value in _COMMON else short[:1].upper() + short[1:],
            "text": text,
            "meaning": time_labels.open_window(first, last, zone, now),
            "first": _date(first, filter_),
            "last": _date(last and last - dt.timedelta(microseconds=1), filter_),
            "today": str(now.astimezone(zone).date()),
            "week": week,
            "tz": filter_.tz,
            "can_step_back": time_steps.step(*range_, zone, now, -1) is not None,
            "can_step_forward": time_steps.step(*range_, zone, now, 1) is not None,
            "can_zoom_out": time_steps.zoom_out(*range_, zone, now) is not None,
            "problem": st.session_state.pop(_PROBLEM, ""),
            "recent": [time_text.printed(*ends, zone, week) for ends in _remembered()],
        },
        _KEY,
        changed,
    )


def zoom_out(filter_: Filter) -> None:
    """Draw the link that shows twice the time around the middle of the range."""
    found = time_steps.zoom_out(filter_.start, filter_.end, filter_.zone, dt.datetime.now(dt.UTC))

    def zoom() -> None:
        if found:
            url_state.set_url(replace(filter_, start=found[0], end=found[1]))

    st.button(
        "Zoom out",
        icon=":material/zoom_out:",
        help="Show twice the time range",
        type="tertiary",
        disabled=found is None,
        on_click=zoom,
    )


def _after(
    message: TimeMessage, filter_: Filter, names: dict[str, str], week: int
) -> tuple[str, str] | None:
    """Return `from` and `to` after *message*, or None if it changes nothing."""
    now, zone = dt.datetime.now(dt.UTC), filter_.zone
    match message["do"]:
        case "preset":
            return (message["id"], "") if message["id"] in names else None
        case "step":
            return time_steps.step(filter_.start, filter_.end, zone, now, message["by"])
        case "zoom":
            return time_steps.zoom_out(filter_.start, filter_.end, zone, now)
    try:
        return time_window.typed(message["text"], zone, now, week)
    except FilterError as error:
        st.session_state[_PROBLEM] = str(error)
        return None


def _remember(range_: tuple[str, str]) -> None:
    if user := current_user():
        recent.remember(process.current().store, user.account, "ranges", "/".join(range_))


def _remembered() -> list[tuple[str, str]]:
    """Return `from` and `to` of the ranges that the user typed last."""
    user = current_user()
    listed = recent.listed(process.current().store, user.account, "ranges") if user else []
    return [(start, end) for start, _, end in (text.partition("/") for text in listed[:_RECENT])]


def _in_words(name: str, week: int) -> str:
    text = time_text.printed(name, "", ZoneInfo("UTC"), week)
    return text[:1].upper() + text[1:]


def _date(moment: dt.datetime | None, filter_: Filter) -> str:
    if moment is None:
        return ""
    return str(moment.replace(tzinfo=dt.UTC).astimezone(filter_.zone).date())


def zone(filter_: Filter) -> None:
    """Draw the choice of the time zone."""
    st.session_state["tz"] = filter_.tz

    def choose() -> None:
        start, end = (
            time_expressions.pinned(text, filter_.zone) for text in (filter_.start, filter_.end)
        )
        url_state.set_url(replace(filter_, start=start, end=end, tz=st.session_state["tz"]))

    rest = sorted(zone_names() - set(_COMMON_ZONES))
    st.selectbox(
        "Time zone",
        [*_COMMON_ZONES, *rest],
        key="tz",
        on_change=choose,
        icon=":material/language:",
        label_visibility="collapsed",
        width=150,
    )
